"""Nothing that others wrote (names, sources, messages) breaks a format, or is lost in one."""

import json
import unicodedata

import pytest
from hypothesis import given, settings

from adapterctl.render.audit import in_format
from adapterctl.render.audit.markdown import code, escaped
from adapterctl.render.audit.notice import words as words_of
from adapterctl.render.audit.view import View
from adapterctl.render.plain import REPLACEMENT, plain, plain_text
from adapterctl.rules.audit.notices import News, Notice
from support import formats
from support.hostile import ENDINGS, audits, to_the_letter, words

everything = settings(max_examples=25, deadline=None)


def rendered(form, audit, **view) -> str:
    return in_format(form, audit, View(**view))


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("a\r\n\tb\u2028c", "a b c"),
        ("\x1b[31mred", f"{REPLACEMENT}[31mred"),
        ("a\u202eb\x00\ud800", f"a{REPLACEMENT}b{REPLACEMENT}{REPLACEMENT}"),
        ("größer 🦙 |`\\n", "größer 🦙 |`\\n"),
    ],
)
def test_plain_text_is_one_line_without_control_characters(text, seen):
    assert plain_text(text) == seen


@everything
@given(audits())
def test_plain_leaves_nothing_suspect_and_is_the_audit_itself_when_nothing_is(audit):
    once = plain(audit)
    assert plain(once) is once or plain(once) == once
    said = [text for one in once.findings for text in (one.subject, one.message, one.mend)]
    assert said == [
        plain_text(text) for one in audit.findings for text in (one.subject, one.message, one.mend)
    ]
    assert not [c for text in said for c in text if unicodedata.category(c) in {"Cc", "Cs", "Zl"}]


@everything
@given(audits())
def test_json_has_every_text_to_the_letter(audit):
    answer = json.loads(rendered("json", audit))
    kept = audit.findings if to_the_letter(audit) else plain(audit).findings
    assert [one["message"] for one in answer["results"]] == [one.message for one in kept]


@everything
@given(audits())
def test_the_text_has_a_task_for_each_finding_and_no_control_characters(audit):
    text = rendered("text", audit)
    assert not [c for c in text if c != "\n" and unicodedata.category(c) in {"Cc", "Cs", "Zl"}]
    live = [one for one in plain(audit).findings if one.waived_until is None]
    tasks = [line for line in text.split("\n") if line.startswith("    > ")]
    assert tasks == [f"    > {one.mend}" for one in live]


@everything
@given(audits())
def test_markdown_keeps_each_finding_in_its_row_and_each_text_in_its_cell(audit):
    rows = formats.markdown_rows(rendered("markdown", audit))
    live = [one for one in plain(audit).findings if one.waived_until is None]
    assert len(rows) == len(live)
    for cells, one in zip(rows, live, strict=True):
        name, base = one.subject.removeprefix("adapter:"), one.base or "no base"
        affects = f"; affects {', '.join(one.affects)}" if one.affects else ""
        assert len(cells) == 6
        assert words(cells[3]) == words(f"{one.code} {name} on {base}: {one.message}{affects}")
        assert words(cells[4]) == words(", ".join(one.owners) or "no owner")
        assert words(cells[5]) == words(one.mend)


@pytest.mark.parametrize(
    "text",
    [
        *("*a*", "__a__ _b_", "`c`", "~~d~~", "&amp; &copy; AT&T", "a\\*b", "<b>e</b>", "[f](g)"),
        *("![h](i)", "a|b", "a\\|b", "$j$", "snake_case_name", "https://k.org/l_m?n=1&o=2", "\\"),
        *("# p", "- q", "> r", "1. s", "<!-- t -->", "\\`u\\`", "``` v", "    w", "@x x@1"),
    ],
)  # fmt: skip
def test_markdown_shows_a_text_as_it_is_in_and_out_of_a_cell(text):
    cell = f"| a | b |\n|---|---|\n| {escaped(text)} | {code(text)} |\n"
    assert formats.markdown_rows(cell) == [[text.strip(), text]]
    (paragraph,) = [t for t in formats.markdown_tokens(f"x {escaped(text)}") if t.type == "inline"]
    assert words(formats.read(paragraph)) == words(f"x {text}")


@everything
@given(audits())
def test_markdown_links_nothing_embeds_nothing_and_calls_nobody(audit):
    text = rendered("markdown", audit)
    inline = [child for token in formats.markdown_tokens(text) for child in token.children or []]
    assert {child.content for child in inline if child.type == "html_inline"} <= {"<!-- -->"}
    assert {child.type for child in inline} <= {
        "text", "code_inline", "strong_open", "strong_close", "html_inline", "text_special",
        "softbreak",
    }  # fmt: skip
    assert not [token for token in formats.markdown_tokens(text) if token.type == "html_block"]
    assert "@everyone" not in [
        word for child in inline if child.type == "text" for word in child.content.split()
    ]


@everything
@given(audits())
def test_sarif_is_valid_and_names_each_subject(audit):
    results = formats.sarif_run(rendered("sarif", audit))["results"]
    named = [one["locations"][0]["logicalLocations"][0]["fullyQualifiedName"] for one in results]
    assert named == [one.subject for one in plain(audit).findings]


@everything
@given(audits())
def test_junit_is_well_formed_and_has_a_case_for_each_subject(audit):
    cases = formats.junit_cases(rendered("junit", audit, strict=True))
    seen = plain(audit)
    wanted = {one.subject for one in [*seen.subjects, *seen.skipped]}
    assert {words(name) for name in cases} == {words(name) for name in wanted}
    assert cases["adapter:fine@1"].is_passed


@everything
@given(audits())
def test_a_calendar_has_an_event_for_each_end_with_every_text(audit):
    events = formats.calendar_of(rendered("ics", audit)).walk("VEVENT")
    ends = [
        one for one in plain(audit).findings if one.code in ENDINGS and one.slack_days is not None
    ]
    assert len(events) == len(ends) == len({str(event["uid"]) for event in events})
    for event, one in zip(events, ends, strict=True):
        assert f"Mend: {one.mend}" in str(event["description"])
        assert one.message in str(event["description"])


@everything
@given(audits())
def test_prometheus_reads_every_label_back(audit):
    labels = [
        labels
        for labels, _ in formats.samples(
            rendered("prometheus", audit), "adapterctl_audit_finding_info"
        )
    ]
    said = [(one["subject"], one["mend"], one["owners"]) for one in labels]
    assert said == [(one.subject, one.mend, ", ".join(one.owners)) for one in plain(audit).findings]


@everything
@given(audits())
def test_a_message_to_a_team_is_plain_and_has_its_first_mend(audit):
    if not audit.findings:
        return
    news = [News(finding, "new") for finding in audit.findings]
    title, body = words_of(Notice(place="p", address="a", team="t\x1b\n", news=news))
    assert "\n" not in title
    said = title + body.replace("\n", "")
    assert not [c for c in said if unicodedata.category(c) in {"Cc", "Cs", "Zl"}]
    assert f"\n    > {plain(audit).findings[0].mend}" in body
