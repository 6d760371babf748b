"""Bases in use are looked for at the Hub, in folders, and at their mirrors."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from adapterctl.records.base import BaseSource
from adapterctl.records.policy import WorldPolicy
from support.hub_server import (
    COMMIT,
    DISABLED,
    FORBIDDEN,
    GATED,
    NO_REPOSITORY,
    NO_REVISION,
    UNAUTHORIZED,
    HubContent,
    serving,
)
from support.registries import SmallRegistry, in_days
from support.s3 import LoopbackS3, loopback_s3
from support.worlds import Place, only, silent, skips, told

FILES = {"config.json": b'{"model_type": "bert"}', "model.safetensors": b"weights"}


@pytest.fixture
def place(tmp_path: Path) -> Place:
    made = Place(tmp_path)
    made.serve()
    return made


# folders


def test_a_folder_that_is_gone_leaves_its_mirror(place: Place) -> None:
    (place.root / "bases" / "minilm-l6").rmdir()
    found = only(place.ask())
    assert (found.code, found.severity, found.subject) == ("BASE003", "medium", "base:minilm-l6")
    assert found.message == (
        "cannot be fetched from bases/minilm-l6 any more: the folder is not there; only its "
        "mirror mirrors/minilm-l6 is left"
    )
    assert found.mend == "adapterctl bases mirror minilm-l6 --to PLACE"
    assert found.affects == ["support-router@1"]


def test_a_folder_that_is_gone_with_its_mirror_is_critical(place: Place) -> None:
    (place.root / "bases" / "minilm-l6").rmdir()
    (place.root / "mirrors" / "minilm-l6").rmdir()
    found = only(place.ask())
    assert (found.code, found.severity) == ("BASE003", "critical")
    assert found.message.endswith(
        ", nor from its mirror mirrors/minilm-l6: the folder is not there"
    )
    assert found.mend.startswith("find a copy and name it in registry/bases/minilm-l6.yaml, or ")


def test_a_folder_without_a_mirror_is_critical(place: Place) -> None:
    place.base("minilm-l6", mirror=None)
    (place.root / "bases" / "minilm-l6").rmdir()
    answer = place.ask()
    found = next(each for each in answer.findings if each.code == "BASE003")
    assert found.severity == "critical" and found.message.endswith(", and it has no mirror")


def test_a_mirror_that_is_gone_is_no_mirror(place: Place) -> None:
    (place.root / "mirrors" / "minilm-l6").rmdir()
    found = only(place.ask())
    assert (found.code, found.severity) == ("BASE005", "low")
    message = "its mirror mirrors/minilm-l6 has lost it: the folder is not there"
    assert found.message == message


def test_what_lies_on_another_machine_or_is_not_checked_out_is_not_known(place: Place) -> None:
    elsewhere = BaseSource(path="/elsewhere/bases/minilm-l6")
    place.base("minilm-l6", source=elsewhere)
    answer = place.ask()
    assert answer.findings == []
    assert skips(answer) == {
        "folders of bases": "/elsewhere/bases/minilm-l6: not on this machine: the folder around "
        "it is not here either (1 of 2 folders)"
    }
    (place.root / "models").mkdir()
    (place.root / "models" / "tiny.dvc").write_text("outs: []\n")
    place.base("minilm-l6", source=BaseSource(path="models/tiny"))
    [skip] = place.ask().skipped
    assert skip.mend == "dvc pull models/tiny"


def test_bases_at_a_provider_and_bases_that_a_stage_builds_are_not_fetched(place: Place) -> None:
    place.base("minilm-l6", source=BaseSource(path="gone"), fingerprint_file="bases/x.json")
    assert place.ask().asked == ["the DVC remote"]
    place.base("minilm-l6", source=BaseSource(provider="openai", model="m"), mirror=None)
    assert place.ask().asked == ["the DVC remote"]


# mirrors in buckets


@pytest.fixture(scope="module")
def s3() -> Iterator[LoopbackS3]:
    pytest.importorskip("boto3")
    with loopback_s3() as server:
        server.bucket("models")
        yield server


def test_a_mirror_in_a_bucket_counts_while_weights_lie_there(place: Place, s3: LoopbackS3) -> None:
    place.base("minilm-l6", mirror="s3://models/minilm")
    found = only(place.ask())
    assert (
        found.message == "its mirror s3://models/minilm has lost it: no .safetensors lies below it"
    )
    s3.put("models", "minilm/model.safetensors", b"weights")
    assert told(place.ask()) == []
    (place.root / "bases" / "minilm-l6").rmdir()
    s3.deny("models")
    answer = place.ask()
    [found] = answer.findings
    assert (found.code, found.severity) == ("BASE003", "high")
    assert found.message.endswith("; whether its mirror s3://models/minilm has it is not known")
    assert skips(answer) == {"s3://models": "s3://models/minilm: access denied"}


# the Hub


def hub_bases(root: Path, *names: str, **changes: Any) -> SmallRegistry:
    """Registers an adapter on each of some bases of the Hub."""
    made = SmallRegistry(root)
    for name in names:
        source = BaseSource(hub=f"team/{name}")
        made.base(name, source=source, revision=COMMIT, mirror=None, **changes)
        made.adapter(f"on-{name}", base=name)
        made.date(name, in_days(2000), kind="not_before")
    return made


def asked(root: Path, endpoint: str) -> tuple[dict[str, str], dict[str, str]]:
    """Returns what an audit in a process of its own says of bases: findings, and what it skips."""
    online = {"HF_ENDPOINT": endpoint, "HF_HOME": str(root / "hf"), "HF_HUB_OFFLINE": "0"}
    done = subprocess.run(
        [sys.executable, "-m", "adapterctl", "--project", str(root), "audit", "--format", "json",
         "--as-of", "2026-11-23"],
        capture_output=True, text=True, env={**os.environ, **online}, check=False,
    )  # fmt: skip
    answer = json.loads(done.stdout)
    found = {f["subject"]: f["message"] for f in answer["results"] if f["code"] == "BASE003"}
    return found, {each["subject"]: each["reason"] for each in answer["skipped"]}


def test_only_what_the_hub_says_is_gone_is_gone(tmp_path: Path) -> None:
    pytest.importorskip("huggingface_hub")
    refused = {
        "gone": NO_REPOSITORY, "rewritten": NO_REVISION, "disabled": DISABLED,
        "hidden": UNAUTHORIZED, "gated": GATED, "forbidden": FORBIDDEN,
    }  # fmt: skip
    hub_bases(tmp_path, "there", "closed", *refused)
    content = HubContent(files={"team/there": FILES, "team/closed": FILES})
    content.refused = {f"team/{name}": how for name, how in refused.items()}
    content.closed = {"team/closed": GATED}
    with serving(content) as endpoint:
        found, skipped = asked(tmp_path, endpoint)
    place = "cannot be fetched from hub:team"
    assert found == {
        "base:gone": f"{place}/gone any more: no such repository, or a private one, and it has no "
        "mirror",
        "base:rewritten": f"{place}/rewritten any more: no revision '{COMMIT}', and it has no "
        "mirror",
        "base:disabled": f"{place}/disabled any more: disabled: the Hub gives nobody access to it, "
        "and it has no mirror",
    }
    del skipped["the DVC remote"]
    assert {subject: reason.partition(": ")[2][:5] for subject, reason in skipped.items()} == {
        "base:hidden": "401: ", "base:gated": "gated", "base:forbidden": "403: ",
        "base:closed": "gated",
    }  # fmt: skip


def test_a_hub_that_does_not_answer_is_one_skip_for_all_bases(tmp_path: Path) -> None:
    pytest.importorskip("huggingface_hub")
    made = hub_bases(tmp_path, "one", "two")
    found, skipped = asked(tmp_path, "http://127.0.0.1:9")
    assert found == {}
    assert skipped.keys() == {"the DVC remote", "the Hugging Face Hub"}
    assert skipped["the Hugging Face Hub"].startswith("hub:team/one: the Hub does not answer: ")
    assert skipped["the Hugging Face Hub"].endswith("(2 of 2 bases)")
    made.policy(world=WorldPolicy(seconds=1))
    with silent() as endpoint:
        start = time.monotonic()
        found, skipped = asked(tmp_path, endpoint)
        assert time.monotonic() - start < 10
    assert found == {}
    assert "the Hugging Face Hub" in skipped
