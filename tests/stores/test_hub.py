from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from adapterctl.errors import InvalidInput, MissingExtra, NotFound, Unreachable
from adapterctl.stores.hub import cached, locate, resolve
from support.hub_server import (
    BROKEN,
    COMMIT,
    DISABLED,
    FORBIDDEN,
    GATED,
    LIMITED,
    UNAUTHORIZED,
    HubContent,
    git_blob,
    serving,
)

pytest.importorskip("huggingface_hub")

OTHER = "f" * 40
REPO = "team/tiny"
FILES = {
    "config.json": b'{"model_type": "bert"}',
    "tokenizer.json": b"{}",
    "chat_template.jinja": b"{{ messages }}",
    "model.safetensors": b"weights",
}


def make_cache(cache: Path, files: dict[str, bytes], *, ref: str = "main") -> Path:
    """Lays out files as huggingface_hub does: blobs, links to them per commit, refs."""
    repo = cache / "models--team--tiny"
    snapshot = repo / "snapshots" / COMMIT
    for name, content in files.items():
        blob = repo / "blobs" / hashlib.sha256(content).hexdigest()
        blob.parent.mkdir(parents=True, exist_ok=True)
        blob.write_bytes(content)
        (snapshot / name).parent.mkdir(parents=True, exist_ok=True)
        (snapshot / name).symlink_to(blob)
    (repo / "refs").mkdir(parents=True)
    (repo / "refs" / ref).write_text(COMMIT)
    return snapshot


def sharded(*shards: str) -> dict[str, bytes]:
    weight_map = {f"t{n}": shard for n, shard in enumerate(shards)}
    index = json.dumps({"weight_map": weight_map}).encode()
    beside = {name: content for name, content in FILES.items() if name != "model.safetensors"}
    return {**beside, "model.safetensors.index.json": index, **dict.fromkeys(shards, b"shard")}


# offline: the tests run with HF_HUB_OFFLINE=1


def test_offline_a_branch_is_what_the_cache_remembers(tmp_path: Path) -> None:
    make_cache(tmp_path, FILES)
    assert resolve(REPO, "main", cache=tmp_path) == COMMIT
    assert resolve(REPO, COMMIT, cache=tmp_path) == COMMIT


def test_offline_a_pinned_base_is_found_in_the_cache(tmp_path: Path) -> None:
    assert cached(REPO, COMMIT, cache=tmp_path) is None
    snapshot = make_cache(tmp_path, FILES)
    assert cached(REPO, COMMIT, cache=tmp_path) == snapshot
    for download in (False, True):
        assert locate(REPO, COMMIT, download=download, cache=tmp_path) == snapshot


def test_the_layout_is_the_one_that_the_library_reads(tmp_path: Path) -> None:
    from huggingface_hub import scan_cache_dir, try_to_load_from_cache

    snapshot = make_cache(tmp_path, FILES)
    found = try_to_load_from_cache(REPO, "model.safetensors", cache_dir=tmp_path, revision="main")
    assert found == str(snapshot / "model.safetensors")
    (repo,) = scan_cache_dir(tmp_path).repos
    (revision,) = repo.revisions
    assert (repo.repo_id, revision.commit_hash, revision.refs) == (REPO, COMMIT, {"main"})


def test_offline_an_unknown_branch_is_unreachable(tmp_path: Path) -> None:
    make_cache(tmp_path, FILES)
    with pytest.raises(Unreachable) as caught:
        resolve(REPO, "dev", cache=tmp_path)
    message = str(caught.value)
    assert message.startswith("hub:team/tiny: the Hub does not answer, and its cache has no dev: ")
    assert message.endswith(
        "hint: the first time needs the network (no HF_HUB_OFFLINE); or name a folder instead"
    )


def test_what_the_cache_lacks_is_not_found_when_nothing_may_be_fetched(tmp_path: Path) -> None:
    with pytest.raises(NotFound) as caught:
        locate(REPO, COMMIT, download=False, cache=tmp_path)
    assert str(caught.value) == (
        f"hub:team/tiny: team/tiny at {COMMIT} is not in the Hub's cache\n"
        f"  hint: hf download team/tiny --revision {COMMIT}"
    )
    with pytest.raises(Unreachable):
        locate(REPO, COMMIT, download=True, cache=tmp_path)


def test_a_cached_base_without_its_weights_does_not_count(tmp_path: Path) -> None:
    make_cache(tmp_path, {"config.json": b"{}"})
    assert cached(REPO, COMMIT, cache=tmp_path) is None
    with pytest.raises(NotFound):
        locate(REPO, COMMIT, download=False, cache=tmp_path)


def test_a_cached_base_counts_when_all_its_shards_are_there(tmp_path: Path) -> None:
    files = sharded("a.safetensors", "b.safetensors")
    snapshot = make_cache(tmp_path / "whole", files)
    assert locate(REPO, COMMIT, download=False, cache=tmp_path / "whole") == snapshot
    del files["b.safetensors"]
    make_cache(tmp_path / "part", files)
    with pytest.raises(NotFound):
        locate(REPO, COMMIT, download=False, cache=tmp_path / "part")


@pytest.mark.parametrize("repo", ["a/b/c", "../x", "a b", ""])
def test_what_is_no_repository_is_refused(tmp_path: Path, repo: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        resolve(repo, "main", cache=tmp_path)
    assert str(caught.value) == (
        f"hub:{repo}: not a repository of the Hub\n  hint: write org/name@revision"
    )


def test_without_the_library_the_extra_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(MissingExtra, match=r"pip install 'adapterctl\[train\]'"):
        resolve(REPO, "main", cache=tmp_path)


# online, against a server on this machine


@pytest.fixture
def hub() -> HubContent:
    """A Hub with one repository, and some that are refused."""
    return HubContent(
        files={REPO: dict(FILES), "team/closed": dict(FILES)},
        refused={
            "team/gated": GATED,
            "team/secret": UNAUTHORIZED,
            "team/forbidden": FORBIDDEN,
            "team/disabled": DISABLED,
            "team/busy": LIMITED,
            "team/broken": BROKEN,
        },
        closed={"team/closed": GATED},
    )


@pytest.fixture
def server(hub: HubContent) -> Iterator[str]:
    with serving(hub) as endpoint:
        yield endpoint


CLIENT = """
import json, sys
from pathlib import Path
from adapterctl.errors import AdapterctlError
import msgspec
from adapterctl.stores.hub import listing, locate, resolve

seen = []
answers = []
for verb, repo, revision in json.loads(sys.argv[1]):
    try:
        if verb == "resolve":
            answers.append(resolve(repo, revision))
        elif verb == "listing":
            answers.append(msgspec.to_builtins(listing(repo, revision)))
        else:
            step = lambda *step: seen.append(step)
            folder = locate(repo, revision, download=True, progress=step)
            files = (p for p in folder.rglob("*") if p.is_file())
            answers.append(sorted(p.relative_to(folder).as_posix() for p in files))
    except AdapterctlError as error:
        answers.append(f"{type(error).__name__}: {error}")
print(json.dumps([answers, seen[-1:]]))
"""


def client(endpoint: str, home: Path, *calls: tuple[str, str, str]) -> list[Any]:
    """Runs calls online in a process of their own: the library reads its settings once."""
    online = {"HF_ENDPOINT": endpoint, "HF_HOME": str(home), "HF_HUB_OFFLINE": "0"}
    done = subprocess.run(
        [sys.executable, "-c", CLIENT, json.dumps(calls)],
        env={**os.environ, **online},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    answer: list[Any] = json.loads(done.stdout)
    return answer


def test_online_a_branch_is_resolved_fetched_and_then_known_offline(
    hub: HubContent, server: str, tmp_path: Path
) -> None:
    hub.files[REPO] |= {
        "pytorch_model.bin": b"pickle",
        "onnx/model.safetensors": b"other format",
        "consolidated.safetensors": b"twice",
        "README.md": b"#",
    }
    answers, seen = client(server, tmp_path, ("resolve", REPO, "main"), ("locate", REPO, COMMIT))
    assert answers == [COMMIT, sorted(FILES)]
    assert seen == [["fetching team/tiny", 7, 7]]
    assert resolve(REPO, "main", cache=tmp_path / "hub") == COMMIT
    folder = locate(REPO, COMMIT, download=False, cache=tmp_path / "hub")
    assert (folder / "model.safetensors").read_bytes() == b"weights"


def test_online_the_shards_that_the_index_names_are_fetched(
    hub: HubContent, server: str, tmp_path: Path
) -> None:
    hub.files[REPO] = {**sharded("a.safetensors", "b.safetensors"), "c.safetensors": b"unnamed"}
    (answer,), _ = client(server, tmp_path, ("locate", REPO, COMMIT))
    assert answer == sorted(sharded("a.safetensors", "b.safetensors"))


def test_what_is_pinned_and_there_needs_no_network(
    hub: HubContent, server: str, tmp_path: Path
) -> None:
    make_cache(tmp_path / "hub", FILES)
    (answer,), _ = client(server, tmp_path, ("locate", REPO, COMMIT))
    assert answer == sorted(FILES)
    assert hub.asked == []


REFUSALS = {
    ("resolve", "team/none", "main"): "NotFound: hub:team/none: no such repository, or a private"
    " one\n  hint: correct the name, or hf auth login",
    ("resolve", REPO, "dev"): "NotFound: hub:team/tiny: no revision 'dev'\n"
    "  hint: name a branch, a tag or a full commit",
    ("locate", REPO, OTHER): f"NotFound: hub:team/tiny: no revision '{OTHER}'\n"
    "  hint: name a branch, a tag or a full commit",
    ("resolve", "team/gated", "main"): "Unreachable: hub:team/gated: gated: the token here has"
    " no access\n  hint: ask for access on the page of team/gated, then hf auth login",
    ("resolve", "team/closed", "main"): "Unreachable: hub:team/closed: gated: the token here"
    " has no access\n  hint: ask for access on the page of team/closed, then hf auth login",
    ("resolve", "team/secret", "main"): "Unreachable: hub:team/secret: 401: private, gated,"
    " renamed or removed; without access the Hub does not say which\n"
    "  hint: hf auth login with a token that may read it; this is no proof of a removal",
    ("resolve", "team/forbidden", "main"): "Unreachable: hub:team/forbidden: 403: the token"
    " here may not read it\n  hint: hf auth login with a token that has the right to read it",
    ("resolve", "team/disabled", "main"): "NotFound: hub:team/disabled: disabled: the Hub gives"
    " nobody access to it\n"
    "  hint: take a copy from elsewhere; the page of team/disabled may say why",
    ("resolve", "team/busy", "main"): "Unreachable: hub:team/busy: 429: too many requests for now\n"
    "  hint: wait some minutes and run it again; hf auth login raises the limit",
}


def test_online_refusals_are_told_apart(server: str, tmp_path: Path) -> None:
    answers, _ = client(server, tmp_path, *REFUSALS, ("resolve", "team/broken", "main"))
    assert answers[:-1] == list(REFUSALS.values())
    assert answers[-1].startswith("Unreachable: hub:team/broken: the Hub does not answer")


def test_a_listing_has_the_digests_without_the_bytes(
    hub: HubContent, server: str, tmp_path: Path
) -> None:
    (answer,), _ = client(server, tmp_path, ("listing", REPO, "main"))
    commit, files, family, architecture, parameters = answer
    assert (commit, family, architecture, parameters) == (COMMIT, "bert", None, None)
    by_path = {file["path"]: file for file in files}
    assert by_path["config.json"] == {
        "path": "config.json",
        "size": len(FILES["config.json"]),
        "blob": git_blob(FILES["config.json"]),
    }
    weights = FILES["model.safetensors"]
    assert by_path["model.safetensors"] == {
        "path": "model.safetensors",
        "size": len(weights),
        "sha256": hashlib.sha256(weights).hexdigest(),
    }
    assert hub.asked == [f"/api/models/{REPO}/revision/main"]


def test_a_hub_that_is_down_is_unreachable_unless_the_cache_knows(tmp_path: Path) -> None:
    make_cache(tmp_path / "hub", FILES)
    nowhere = "http://127.0.0.1:9"
    answers, _ = client(nowhere, tmp_path, ("resolve", REPO, "main"), ("resolve", REPO, "dev"))
    assert answers[0] == COMMIT
    assert answers[1].startswith("Unreachable: hub:team/tiny: the Hub does not answer")
