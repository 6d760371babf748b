"""The page without a browser: what stands in it, what never does, and that it holds together."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings

import adapterctl
from adapterctl.jobs.report import dossiers, examine
from adapterctl.records.recipe import Serving
from adapterctl.records.version import VersionRecord
from adapterctl.render.page import site
from adapterctl.render.page.axis import axis_of
from adapterctl.render.page.intervals import intervals
from adapterctl.render.page.writing import days, filled, link
from adapterctl.rules.audit.overview import overview
from adapterctl.rules.findings import Audit
from support.goldens import assert_golden
from support.hostile import audits
from support.landscapes import a_crowd, a_landscape, a_rebuilt
from support.outlines import Page
from support.registries import TODAY, SmallRegistry, a_recipe, in_days

Site = dict[str, str]


def written(registry: SmallRegistry, **cut: object) -> Site:
    """The files of a report about a registry, that is written nowhere."""
    project = registry.project()
    seen = examine(project, out=registry.root / "report", **cut)
    return dict(site(seen, dossiers(project, seen)))


@pytest.fixture(scope="module")
def landscape(tmp_path_factory: pytest.TempPathFactory) -> Site:
    return written(a_landscape(tmp_path_factory.mktemp("landscape")))


def test_the_pages_are_made_of_landmarks_headings_and_titled_tables(landscape: Site) -> None:
    pages = {"index": "index.html", "adapter": "adapters/support-router.html"}
    for name, path in pages.items():
        assert_golden(f"report_{name}.txt", Page(landscape[path]).shown)


def test_every_link_leads_somewhere_and_every_id_is_one(landscape: Site) -> None:
    for path, text in landscape.items():
        if not path.endswith(".html"):
            continue
        page, here = Page(text), Path(path)
        assert len(page.ids) == len(set(page.ids)), path
        for to in page.links:
            target, _, part = to.partition("#")
            if to.startswith(("https://", "data:,")) or part.startswith("base="):
                continue
            known = page.ids if not target else []
            there = _resolved(here.parent / target) if target else path
            assert there in landscape, f"{path}: {to}"
            assert not part or part in known, f"{path}: {to}"


def _resolved(path: Path) -> str:
    parts: list[str] = []
    for part in path.parts:
        parts = parts[:-1] if part == ".." else [*parts, part]
    return "/".join(parts)


def test_nothing_is_fetched_and_no_style_or_script_stands_in_a_page(landscape: Site) -> None:
    """A strict Content-Security-Policy, such as that of a CI server, must not break the page."""
    for path, text in landscape.items():
        if path.endswith(".html"):
            page = Page(text)
            assert "style" not in page.attributes | {*page.elements}, path
            assert not [name for name in page.attributes if name.startswith("on")], path
            assert re.findall(r"<script[^>]*>", text) == [
                f'<script src="{"../" if "/" in path else ""}page.js" defer>'
            ]
    assert not re.search(r"@import|url\(|https?:", landscape["style.css"] + landscape["page.js"])


def test_bases_stand_in_the_order_of_their_ends_and_the_unknown_last(landscape: Site) -> None:
    bases = re.findall(r'<div class="who">\s*<h3>([^<]*)</h3>', landscape["index.html"])
    assert bases == [
        "gpt-4o-mini", "minilm-l6", "nova-lite", "mistral-7b", "llama-3.1-8b", "qwen3-8b",
        "minilm-l12", "acme/base-7b", "tiny-gpt2",
    ]  # fmt: skip


def test_a_not_before_is_drawn_and_worded_unlike_a_promise(landscape: Site) -> None:
    text = landscape["index.html"]
    promise, perhaps = (_clock(text, base) for base in ("mistral-7b", "qwen3-8b"))
    assert 'class="end"' in promise
    assert "rebuild by <time>2027-02-11</time>, shutdown <time>2027-04-12</time>" in promise
    assert 'class="maybe"' in perhaps
    assert "not before <time>2027-10-19</time>" in perhaps
    assert 'class="end"' not in perhaps
    assert "rebuild by" not in perhaps


def _clock(text: str, base: str) -> str:
    return text.partition(f"<h3>{base}</h3>")[2].partition('<div class="who">')[0]


def test_tuning_and_serving_are_rows_apart_and_tuning_has_no_rebuild_by(landscape: Site) -> None:
    hosted = _clock(landscape["index.html"], "gpt-4o-mini")
    serving, tuning = hosted.split('<li><svg class="track')[1:]
    assert "serving at openai" in serving
    assert "ended 8 d ago" in serving
    assert "tuning at openai" in tuning
    assert "last day to train <time>2026-12-13</time>" in tuning


def test_an_adapters_page_says_what_is_pinned_what_happened_and_what_to_do(
    landscape: Site,
) -> None:
    text = Page(landscape["adapters/support-router.html"]).text
    for said in (
        "Routes customer messages to one of 77 queues",
        "adapterctl promote support-router@4",
        "2026-11-06, slack −17 d",
        "847 rows by registry/adapters/support-router/prepare.py:choose",
        "https://example.org/support.git",
        "peft 0.19.1, torch 2.11.0, transformers 5.17.0",
        "cannot be decided on 2,000 rows",
        "+0.012 [-0.008, 0.031]",
        "44 of 2,000 rows were right before and are wrong now",
        "registered version 4 by Tester",
    ):
        assert said in text


def test_what_is_accepted_unread_and_not_registered_is_said(landscape: Site) -> None:
    text = " ".join(Page(landscape["index.html"]).text.split())
    assert "low EVAL002 faq-short@1 until 2026-12-31" in text
    assert "adapter:cracked@1: registry/adapters/cracked/1.json" in text
    assert "adapter:draft: not registered" in text
    assert "1 retired left out" in text
    assert not [path for path in landscape if "old-timer" in path or "cracked" in path]


def test_a_version_that_cannot_be_read_is_said_on_its_adapters_page(tmp_path: Path) -> None:
    registry = SmallRegistry(tmp_path)
    registry.base("minilm-l6")
    registry.adapter("router")
    registry.version(registry.recipe("router"))
    registry.broken_record("router", 2)
    text = Page(written(registry)["adapters/router.html"]).text
    assert "adapter:router@2: registry/adapters/router/2.json" in text


def test_findings_in_the_same_words_are_one_task() -> None:
    """48 adapters on 40 bases: EOL003 of each base, OWN001 of the odd ones on 20 of them."""
    pages = dict(site(a_crowd(48), []))
    assert pages["index.html"].count('<li class="task">') == 40 + 20


def test_a_mend_that_several_share_is_said_once(landscape: Site) -> None:
    text = landscape["index.html"]
    assert text.count("adapterctl bases add gpt-5-mini --provider openai") == 1
    assert text.count("adapterctl plan contract-clauses --to qwen3-8b") == 1


def test_a_date_that_hits_some_of_a_bases_adapters_says_how_many(tmp_path: Path) -> None:
    registry = SmallRegistry(tmp_path)
    registry.base("minilm-l6")
    for name, region in (("here", "eu"), ("there", "us")):
        registry.adapter(name, serving=[Serving(provider="bedrock", region=region)])
    where = {"phase": "serving", "provider": "bedrock", "region": "us"}
    registry.date("minilm-l6", in_days(90), **where)
    said = " ".join(Page(written(registry)["index.html"]).text.split())
    assert "serving at bedrock in us for 1 of them, ends in 90 d" in said
    assert "unknown no end is known of 1 adapter unknown is never fine" in said


def test_a_task_about_many_is_folded(tmp_path: Path) -> None:
    registry = SmallRegistry(tmp_path)
    registry.base("minilm-l6", mirror=None)
    for number in range(7):
        registry.adapter(f"a{number}")
    assert "<summary>7 subjects</summary>" in written(registry)["index.html"]


HOSTILE = "<script>window.pwned = 1</script>\"'><img src=x onerror=alert(1)>"


def test_what_others_wrote_is_text_and_never_markup(tmp_path: Path) -> None:
    registry = SmallRegistry(tmp_path)
    registry.base("minilm-l6", licence=HOSTILE, mirror=None)
    registry.adapter("router", purpose=HOSTILE)
    registry.event("router", "evaluated", 1, because=HOSTILE, details={"k<b>": HOSTILE})
    registry.date("minilm-l6", in_days(30), source="javascript:alert(1)", successor=HOSTILE)
    registry.date("minilm-l6", in_days(9), phase="serving", source=f"https://x.example/{HOSTILE}")
    for path, text in written(registry).items():
        if path.endswith(".html"):
            page = Page(text)
            assert {"img", "b"} & {*page.elements} <= {"b"}, path
            assert page.elements.count("script") == 1, path
            assert not [to for to in page.links if to.startswith("javascript:")], path
    page = Page(written(registry)["adapters/router.html"])
    assert HOSTILE in page.text
    assert "source javascript:alert(1)" in " ".join(page.text.split())


@given(audit=audits())
@settings(max_examples=40, deadline=None)
def test_no_name_or_message_breaks_the_page(audit: Audit) -> None:
    Page(dict(site(overview(audit, [], {}), []))["index.html"]).text.encode()


def test_no_credential_reaches_the_page(tmp_path: Path) -> None:
    registry = SmallRegistry(tmp_path)
    registry.base("minilm-l6")
    source = "https://ana:hunter2@example.org/dates?token=s3cret&page=2"
    registry.date("minilm-l6", in_days(30), source=source)
    token = "hf_abcdefghijklmnopqrstuvwx"
    registry.date("minilm-l6", in_days(9), phase="serving", source=f"https://x.example/{token}")
    registry.adapter("router", purpose=f"asks {token} every day")
    everything = "".join(written(registry).values())
    for secret in ("hunter2", "s3cret", token):
        assert secret not in everything
    assert "https://example.org/dates?token=REDACTED&amp;page=2" in everything


@pytest.mark.parametrize(("sensitive", "shown"), [(False, 1), (True, 0)])
def test_slices_of_a_sensitive_set_are_not_shown(
    tmp_path: Path, sensitive: bool, shown: int
) -> None:
    registry = SmallRegistry(tmp_path)
    registry.base("minilm-l6")
    data = a_recipe("router").data
    gold = msgspec.structs.replace(data.evaluation["gold"], sensitive=sensitive)
    recipe = registry.recipe(
        "router", data=msgspec.structs.replace(data, evaluation={"gold": gold})
    )
    registry.version(recipe, rebuilt_from=a_rebuilt(1, "minilm-l6", verdict="FAIL"))
    page = Page(written(registry)["adapters/router.html"])
    assert page.text.count("gold card_lost: accuracy") == shown
    assert page.text.count("accuracy on card_lost") == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://example.org/a?b=c&d", "<a href="),
        (" http://example.org", "<a href="),
        ("javascript:alert(1)", "javascript:alert(1)"),
        ("data:text/html,<b>", "data:text/html,<b>"),
        ("https:javascript", "https:javascript"),
        ("//example.org", "//example.org"),
        ("the vendor's account manager", "the vendor's account manager"),
    ],
)
def test_only_a_web_address_becomes_a_link(text: str, shown: str) -> None:
    assert str(link(text)).startswith(shown)


def test_days_in_a_sentence_are_marked_after_it_was_escaped() -> None:
    assert days("<b> by 2026-11-06; 12345-67-89") == (
        "&lt;b&gt; by <time>2026-11-06</time>; 12345-67-89"
    )


def test_what_the_page_is_made_of_is_installed_with_it() -> None:
    root = Path(adapterctl.__file__).parent
    made_of = {path.suffix for path in (root / "render" / "page").rglob("*") if path.is_file()}
    packaging = tomllib.loads((root.parents[1] / "pyproject.toml").read_text(encoding="utf-8"))
    globs = packaging["tool"]["setuptools"]["package-data"]["adapterctl"]
    assert made_of - {".py", ".pyc"} <= {Path(glob).suffix for glob in globs}


def test_a_name_that_a_template_lacks_is_an_error() -> None:
    from jinja2 import UndefinedError

    with pytest.raises(UndefinedError):
        filled("adapter.html.jinja")


def test_an_interval_that_passes_lies_right_of_its_margin() -> None:
    drawn = {
        verdict: next(intervals(a_rebuilt(1, "b", verdict=verdict).parity))
        for verdict in ("PASS", "FAIL")
    }
    percent: Callable[[str | None], float] = lambda x: float(str(x)[:-1])  # noqa: E731
    assert percent(drawn["PASS"].low) > percent(drawn["PASS"].loss)
    assert percent(drawn["FAIL"].high) < percent(drawn["FAIL"].loss)
    assert percent(drawn["PASS"].zero) > percent(drawn["PASS"].loss)


def test_a_day_stands_on_the_axis_in_proportion_and_far_ones_at_the_edge() -> None:
    axis = axis_of([], today=TODAY, horizon=TODAY + timedelta(days=180))
    assert (axis.start, axis.end) == (TODAY - timedelta(45), TODAY + timedelta(225))
    assert axis.x(TODAY) == "16.67%"
    assert axis.x(TODAY + timedelta(9999)) == "100.00%"
    assert axis.beyond(TODAY + timedelta(9999)) == "after"
    assert [tick.label for tick in axis.ticks] == [
        "Nov 2026", "Dec", "Jan 2027", "Feb", "Mar", "Apr", "May", "Jun", "",
    ]  # fmt: skip


@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31"])
def test_the_first_and_the_last_day_of_the_calendar_have_an_axis(day: str) -> None:
    today = type(TODAY).fromisoformat(day)
    assert axis_of([], today=today, horizon=today).ticks


def test_a_record_on_the_page_is_what_show_prints(landscape: Site) -> None:
    """Both take the same sections, so that nothing pinned is missing here."""
    from adapterctl.render.show import sections
    from support.registries import a_record

    record: VersionRecord = a_record(a_recipe("support-router"), 1)
    page = Page(landscape["adapters/support-router.html"]).text
    for title, rows in sections(record):
        if title != "Metrics":
            assert all(value in page for _, value in rows), title
