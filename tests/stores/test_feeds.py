"""Files of feeds: every shape that is known is read, and a malformed one says where."""

import json
import os
import signal
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from adapterctl.errors import AdapterctlError
from adapterctl.rules.feeds.rows import Snapshot
from adapterctl.stores.feeds import read_snapshot
from adapterctl.stores.feeds.reading import MOST_PROBLEMS
from adapterctl.stores.files import append_lines

ITEM = {"provider": "OpenAI", "model_id": "m", "shutdown_date": "2027-01-01"}
RECORD = "provider: openai\nmodel: m\nshutdown_on: 2027-01-01\nlast_verified: 2026-07-30\n"
PAGE = "---\npermalink: /claude\nreleases:\n  - releaseCycle: c\n    eol: 2027-01-01\n---\n\ntext\n"


def read(feed: Any, path: Path) -> Snapshot:
    return read_snapshot(feed, path, progress=lambda *_: None)


def written(path: Path, content: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def refusal(feed: Any, path: Path) -> str:
    with pytest.raises(AdapterctlError) as caught:
        read(feed, path)
    return str(caught.value).replace(str(path), "FILE")


def test_the_name_of_a_file_states_its_day_before_its_content_does(tmp_path):
    items = [{**ITEM, "scraped_at": "2026-02-13T04:13:53+00:00"}, {**ITEM, "model_id": "n"}]
    assert read("deprecations-info", written(tmp_path / "a.json", items)).day == date(2026, 2, 13)
    dated = written(tmp_path / "2026-02-28_cd6.json", items)
    assert read("deprecations-info", dated).day == date(2026, 2, 28)
    assert read("litellm", written(tmp_path / "l.json", {"a": {}})).day is None


def test_a_json_feed_has_the_keys_of_the_list(tmp_path):
    listed = read("deprecations-info", written(tmp_path / "a.json", [ITEM]))
    feed = {"items": [{"url": "https://x", "_deprecation": ITEM}]}
    fed = read("deprecations-info", written(tmp_path / "b.json", feed))
    assert [row.key for row in fed.rows] == [row.key for row in listed.rows] == ["OpenAI/m"]
    assert fed.rows[0].data.url == "https://x"


def test_a_folder_of_providers_is_the_whole_feed_and_a_file_is_a_part(tmp_path):
    one = written(tmp_path / "models" / "openai" / "m.yaml", RECORD)
    whole = read("modeldeprecations", tmp_path / "models")
    assert (whole.covers, whole.day) == (("",), date(2026, 7, 30))
    assert read("modeldeprecations", one.parent).covers == ("openai/",)
    assert read("modeldeprecations", one).covers == ()


def test_a_page_and_the_api_give_the_same_releases(tmp_path):
    api = {
        "generated_at": "2026-08-01T00:00:00Z",
        "result": {
            "name": "claude",
            "links": {"releasePolicy": None},
            "releases": [{"name": "c", "eolFrom": "2027-01-01", "isEol": False, "custom": None}],
        },
    }
    page = read("endoflife", written(tmp_path / "anthropic-claude.md", PAGE))
    answer = read("endoflife", written(tmp_path / "claude.json", api))
    assert [row.key for row in page.rows] == [row.key for row in answer.rows] == ["claude/c"]
    assert page.rows[0].data == answer.rows[0].data
    assert (page.day, answer.day, page.covers) == (None, date(2026, 8, 1), ("claude/",))


@pytest.mark.parametrize(
    ("feed", "content", "message"),
    [
        ("litellm", '{"a": {}', "FILE:1:9: not JSON: Expecting ',' delimiter\n"
         "  hint: is it the file of this feed, and whole?"),
        ("litellm", [1], "FILE: not an object of names\n  hint: is it LiteLLM's map?"),
        ("litellm", {}, "FILE: holds no records\n  hint: is it the file of this feed, and whole?"),
        ("litellm", {"a": {"deprecation_date": 5}}, "FILE: a: deprecation_date: not text or "
         "nothing: 5"),
        ("deprecations-info", {"items": 1}, "FILE: neither a list nor a JSON Feed\n"
         "  hint: is it the list or the feed.json of deprecations.info?"),
        ("deprecations-info", [ITEM, {"provider": "x"}], "FILE: [1]: model_id: missing\n"
         "  hint: add it"),
        ("modeldeprecations", "provider: x\nmodel: [a\n", "FILE:3: not YAML: expected ',' or "
         "']', but got '<stream end>'"),
        ("modeldeprecations", "provider: x\nmodel: 4.5\n", "FILE:2: model: not text: 4.5"),
        ("endoflife", "# a page\n", "FILE:1: no YAML between two lines of ---\n"
         "  hint: name a page of _products/ or an answer of /api/v1/products/"),
        ("endoflife", "---\nreleases:\n  - eol: 2027-01-01\n---\n",
         "FILE:3: releases[0].releaseCycle: missing\n  hint: add it"),
        ("endoflife", '{"total": 0}', "FILE: result: missing\n"
         "  hint: name an answer of /api/v1/products/"),
        ("hub-cases", '{"kind": "removed", "hf_id": "a", "evidence": "u"}\n{"kind"\n',
         "FILE:2: not JSON: Expecting ':' delimiter at column 8\n  hint: one object on each line"),
    ],
)  # fmt: skip
def test_a_malformed_file_says_where(tmp_path, feed, content, message):
    assert refusal(feed, written(tmp_path / "feed.txt", content)) == message


def test_what_is_no_file_is_said(tmp_path):
    missing, folder = tmp_path / "none.json", tmp_path
    assert refusal("litellm", missing) == "FILE: no such file\n  hint: name the file of the feed"
    assert refusal("litellm", folder) == "FILE: a folder\n  hint: name the file of the feed"
    binary = tmp_path / "b.json"
    binary.write_bytes(b"\xff\xfe{")
    assert refusal("litellm", binary) == "FILE: not UTF-8 at byte 0"


def test_a_file_that_is_wrong_in_every_row_is_not_listed_in_full(tmp_path):
    rows = written(tmp_path / "a.json", [{} for _ in range(50)])
    lines = [line for line in refusal("deprecations-info", rows).splitlines() if "hint" not in line]
    assert len(lines) == MOST_PROBLEMS + 1
    assert lines[-1] == "and 80 more"


def test_a_large_file_says_how_far_it_is(tmp_path):
    heard: list[tuple[str, int, int]] = []
    large = written(tmp_path / "a.json", {f"m{n}": {} for n in range(1_200)})
    read_snapshot("litellm", large, progress=lambda *said: heard.append(said))
    assert heard == [("litellm", 500, 1200), ("litellm", 1000, 1200), ("litellm", 1200, 1200)]


def test_lines_are_added_together_after_a_line_that_nobody_ended(tmp_path):
    ledger = tmp_path / "feed.jsonl"
    ledger.write_bytes(b"one")
    append_lines(ledger, [b"two", b"three"])
    assert ledger.read_bytes() == b"one\ntwo\nthree\n"


def test_a_kill_leaves_all_of_the_new_lines_or_none(tmp_path):
    """Killed at the rename: all was written by then, and none of it is in the ledger."""
    ledger = tmp_path / "feed.jsonl"
    ledger.write_bytes(b"one\n")
    code = (
        "import os, signal, sys\n"
        "from pathlib import Path\n"
        "from adapterctl.stores.files import append_lines\n"
        "sys.addaudithook(lambda event, _: event == 'os.rename' and "
        f"os.kill(os.getpid(), {int(signal.SIGKILL)}))\n"
        "append_lines(Path(sys.argv[1]), [b'x' * 1000] * 500)\n"
    )
    killed = subprocess.run([sys.executable, "-c", code, os.fspath(ledger)], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert ledger.read_bytes() == b"one\n"
