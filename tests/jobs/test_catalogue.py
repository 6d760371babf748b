"""Starting from the catalogue: bases declared by name, ledgers begun, names given and taken."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from msgspec.structs import replace

from adapterctl.errors import InvalidInput
from adapterctl.jobs.audit import audit
from adapterctl.jobs.base_names import alias, take_back
from adapterctl.jobs.bases import add_hosted
from adapterctl.jobs.catalogue import add_known, start
from adapterctl.jobs.inputs.base_entry import declare, no_files
from adapterctl.jobs.lifecycle import show
from adapterctl.jobs.lifecycle_import import import_feed
from adapterctl.records.base import BaseSource
from adapterctl.records.recipe import Serving
from adapterctl.rules.names.stated import stated_base
from adapterctl.stores.catalogue import entry as known
from support.registries import SmallRegistry

BEDROCK = [Serving(provider="bedrock")]
LLAMA = "llama-3.1-8b-instruct"


@pytest.fixture
def made(tmp_path: Path) -> SmallRegistry:
    return SmallRegistry(tmp_path)


def codes(made: SmallRegistry) -> set[str]:
    return {one.code for one in audit(made.project()).findings}


def test_a_base_of_the_catalogue_is_declared_without_a_revision_and_pinned_later(made):
    added = add_known(made.project(), known(LLAMA)).base
    assert (added.source.hub, added.licence) == ("meta-llama/Llama-3.1-8B-Instruct", "llama3.1")
    assert (added.family, added.revision) == ("llama", None)
    made.adapter("router", base=LLAMA, serving=BEDROCK)
    assert "BASE001" in codes(made)
    pinned = replace(added, revision="a" * 40, licence=None, names=[])
    declare(made.project(), pinned, files=no_files)
    assert made.door.base(LLAMA) == replace(added, revision="a" * 40)
    assert "BASE001" not in codes(made)


def test_whatever_a_team_calls_it_a_known_base_is_filled_in(made):
    source = BaseSource(provider="bedrock", model="us.meta.llama3-1-8b-instruct-v1:0")
    ours = add_hosted(made.project(), "ours", source=source).base
    assert (ours.family, ours.licence, ours.names) == ("llama", "llama3.1", [])
    theirs = add_hosted(made.project(), "x", source=BaseSource(provider="acme", model="m")).base
    assert (theirs.family, theirs.licence) == (None, None)


def test_begun_ledgers_are_known_to_the_audit_at_once_and_left_alone_afterwards(made):
    add_known(made.project(), known(LLAMA))
    made.adapter("router", base=LLAMA, serving=BEDROCK)
    assert "EOL004" in codes(made)
    begun = start(made.project())
    assert all(one.recorded for one in begun)
    assert "EOL004" not in codes(made)
    assert [one.recorded for one in start(made.project())] == [0] * len(begun)


def test_a_later_snapshot_is_laid_beside_what_the_catalogue_began_with(
    made: SmallRegistry, corpus: Path
):
    project = made.project()
    begun = {one.feed: one.recorded for one in start(project)}
    file = corpus / "eol" / "litellm" / "litellm-1.109.1.json"
    again = import_feed(project, "litellm", file).answer
    assert (again.unchanged, again.moved, again.vanished) == (begun["litellm"], 0, 0)
    assert again.recorded == 944 - begun["litellm"]


def test_dates_are_shown_with_the_name_and_the_rule_that_they_were_found_by(made):
    add_known(made.project(), known(LLAMA))
    start(made.project())
    found = {one.provider: (one.subject, one.found) for one in show(made.project(), LLAMA)}
    assert found["bedrock"] == ("meta.llama3-1-8b-instruct-v1:0", "spelling")
    assert found["groq"] == ("llama-3.1-8b-instant", "table")


def test_a_renamed_repository_is_recorded_as_a_name_once_and_joins(made):
    project = made.project()
    case = {"kind": "org-renamed", "hf_id": "acme/*", "evidence": "https://x.org/1"}
    row = {**case, "replacement": "acme-labs/*", "observed_on": "2025-07-30"}
    gone = {**case, "kind": "removed", "hf_id": "acme-labs/base-7b", "observed_on": "2026-01-05"}
    file = made.root / "hub-cases-2026-11-01.jsonl"
    file.write_text("".join(json.dumps(each) + "\n" for each in (row, gone)))
    done = import_feed(project, "hub-cases", file)
    assert (done.answer.recorded, len(done.answer.refused)) == (1, 1)
    assert done.answer.refused[0].why == "org-renamed: no end; acme-labs/* is its name now"
    assert done.names == "registry/names/hub-cases.jsonl"
    assert import_feed(project, "hub-cases", file).names is None
    made.base("ours", source=BaseSource(hub="acme/base-7b"))
    made.adapter("router", base="ours")
    assert [one.code for one in audit(project).findings if one.phase] == ["EOL001"]


def test_dates_reach_an_imported_adapter_that_only_states_its_base(made):
    made.adopted("theirs", base=stated_base("unsloth/gemma-2-9b-it-bnb-4bit"))
    assert "groq" not in str(audit(made.project()).findings)
    start(made.project())
    said = [one.message for one in audit(made.project()).findings if one.code == "EOL004"]
    assert said == ["nothing says where it is served: the dates of groq may hit it"]


def test_names_given_by_hand_count_at_once_and_can_be_taken_back(made):
    project = made.project()
    start(project)
    made.base("ours")
    made.adapter("router", base="ours", serving=BEDROCK)
    assert "EOL004" in codes(made)
    alias(project, "ours", others=["meta-llama/Llama-3.1-8B-Instruct", "llama"])
    assert "EOL004" not in codes(made)
    take_back(project, "ours", others=["meta-llama/Llama-3.1-8B-Instruct"])
    assert made.door.base("ours").names == ["llama"]
    assert "EOL004" in codes(made)
    with pytest.raises(InvalidInput, match="ours was not given the name 'other'"):
        take_back(project, "ours", others=["other"])


def test_a_name_means_one_base(made):
    made.base("ours", names=["llama"])
    made.base("theirs")
    for name in ("LLAMA", "ours"):
        with pytest.raises(InvalidInput) as caught:
            alias(made.project(), "theirs", others=["fine", name])
        assert str(caught.value).startswith(
            f"registry/bases/ours.yaml: {name!r} is what base 'ours' is called\n"
        )
    assert made.door.base("theirs").names == []
