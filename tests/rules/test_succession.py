"""Who follows a base, and who follows those."""

from datetime import date

import msgspec
import pytest

from adapterctl.records.base import Base, BaseDigests, BaseSource
from adapterctl.records.lifecycle import Observation
from adapterctl.rules.audit.moves import way_of
from adapterctl.rules.lifecycle.almanac import Almanac
from adapterctl.rules.lifecycle.exposure import Place, Use
from adapterctl.rules.lifecycle.succession import Move, Succession, differences, succession, task_of
from support.registries import a_base, sha

ARRIVAL = date(2027, 1, 1)
DEAD, SHORT, LIVES = "2026-06-01", "2027-02-01", "2028-01-01"
OWN = Use((Place("self-hosted"),))


def a_hosted(name: str, model: str, provider: str = "openai") -> Base:
    source = BaseSource(provider=provider, model=model)
    return Base(schema_version=1, base=name, source=source)


def ends(subject: str, day: str, successor: str | None = None, **rest: object) -> Observation:
    values = {"phase": "weights", "kind": "shutdown", "source": "https://example.org", **rest}
    return Observation(
        subject=subject,
        date=day,
        successor=successor,
        seen_on="2026-11-01",
        key=f"{subject}:{rest.get('provider')}:{day}",
        **values,  # type: ignore[arg-type]
    )


def follow(
    *dates: Observation, bases: list[str] | dict[str, Base], use: Use = OWN, start: str = "old"
) -> Succession:
    declared = bases if isinstance(bases, dict) else {name: a_base(name) for name in bases}
    move = Move(start, use, ARRIVAL, 60)
    return succession(Almanac(dates, declared), move)


def told(found: Succession) -> tuple[list[tuple[str, str]], str | None]:
    chosen = found.chosen
    return [(link.name, link.outlook) for link in found.links], chosen.name if chosen else None


@pytest.mark.parametrize(
    ("dates", "links", "chosen"),
    [
        pytest.param([], [], None, id="nobody is named"),
        pytest.param([("old", "one", None)], [("one", "lives")], "one", id="its end is not known"),
        pytest.param([("old", "one", LIVES)], [("one", "lives")], "one", id="it outlives the move"),
        pytest.param([("old", "one", SHORT)], [("one", "short")], "one", id="better than nothing"),
        pytest.param([("old", "one", DEAD)], [("one", "ended")], None, id="a dead one is none"),
        pytest.param(
            [("old", "one", DEAD), ("one", "two", LIVES)],
            [("one", "ended"), ("two", "lives")],
            "two",
            id="through a dead one",
        ),
        pytest.param(
            [("old", "one", DEAD), ("one", "two", SHORT), ("two", "three", LIVES)],
            [("one", "ended"), ("two", "short"), ("three", "lives")],
            "three",
            id="through two",
        ),
        pytest.param(
            [("old", "one", SHORT), ("one", "two", DEAD)],
            [("one", "short"), ("two", "ended")],
            "one",
            id="back to the one that still lives",
        ),
        pytest.param(
            [("old", "one", LIVES), ("one", "two", LIVES)],
            [("one", "lives")],
            "one",
            id="no further than needed",
        ),
    ],
)
def test_successors_are_followed_to_the_first_that_lives(dates, links, chosen):
    own = {name: day for _, name, day in dates if day}
    lines = [ends("old", "2027-01-01", dates[0][1])] if dates else []
    for name, day in own.items():
        after = next((to for start, to, _ in dates if start == name), None)
        lines.append(ends(name, day, after))
    assert told(follow(*lines, bases=["old", "one", "two", "three"])) == (links, chosen)


def test_a_circle_is_left_and_said():
    found = follow(
        ends("old", "2027-01-01", "one"),
        ends("one", DEAD, "two"),
        ends("two", DEAD, "old"),
        bases=["old", "one", "two"],
    )
    assert told(found) == ([("one", "ended"), ("two", "ended")], None)
    assert way_of(found) == (
        "; no successor is left: one (until 2026-06-01), named by old; two (until 2026-06-01), "
        "named by one; two names old again"
    )


def test_a_circle_among_successors_is_left_and_said():
    found = follow(
        ends("old", "2027-01-01", "one"),
        ends("one", DEAD, "two"),
        ends("two", DEAD, "one"),
        bases=["old", "one", "two"],
    )
    assert found.circles == (("two", "one"),)


def test_two_that_name_the_same_successor_are_no_circle():
    bases = {name: a_base(name) for name in ("old", "one", "two", "three")}
    bases["old"] = msgspec.structs.replace(bases["old"], successors=["one", "two"])
    found = follow(ends("one", DEAD, "three"), ends("two", DEAD, "three"), bases=bases)
    assert [link.name for link in found.links] == ["one", "two", "three"]
    assert found.circles == ()


def test_the_way_to_the_chosen_one_is_said():
    found = follow(
        ends("old", "2027-01-01", "one"), ends("one", DEAD, "two"), bases=["old", "one", "two"]
    )
    assert way_of(found) == "; successor one (until 2026-06-01) -> two"
    direct = follow(ends("old", "2027-01-01", "one"), bases=["old", "one"])
    assert way_of(direct) == ""


def test_of_two_named_the_near_one_is_taken_before_the_successor_of_the_first():
    bases = {name: a_base(name) for name in ("old", "one", "two", "three")}
    bases["old"] = msgspec.structs.replace(bases["old"], successors=["two"])
    found = follow(ends("old", "2027-01-01", "one"), ends("one", DEAD, "three"), bases=bases)
    assert told(found) == ([("one", "ended"), ("two", "lives")], "two")


def another(name: str, **changes: object) -> Base:
    return msgspec.structs.replace(a_base(name), **changes)


@pytest.mark.parametrize(
    ("changes", "differs"),
    [
        ({}, []),
        ({"family": "llama"}, ["family bert, now llama"]),
        ({"family": None, "architecture": None}, []),
        ({"digests": BaseDigests(tokenizer=sha("other"))}, ["another tokenizer"]),
        ({"digests": BaseDigests()}, []),
        ({"architecture": "BertForCausalLM"}, ["made for MASKED_LM, now for CAUSAL_LM"]),
    ],
)
def test_in_what_a_successor_is_of_another_kind(changes, differs):
    old = another("old", architecture="BertForMaskedLM")
    assert list(differences(old, another("new", **changes))) == differs


@pytest.mark.parametrize(
    ("architecture", "task"),
    [
        ("LlamaForCausalLM", "CAUSAL_LM"),
        ("GPT2LMHeadModel", "CAUSAL_LM"),
        ("BertForPreTraining", "MASKED_LM"),
        ("BertModel", None),
        ("Gemma3ForConditionalGeneration", None),
        (None, None),
    ],
)
def test_an_architecture_tells_what_it_was_made_for_or_nothing(architecture, task):
    assert task_of(architecture) == task


def test_one_of_another_kind_is_offered_with_a_word_and_not_followed():
    bases = {"old": a_base("old"), "one": another("one", family="llama"), "two": a_base("two")}
    alive = follow(ends("old", "2027-01-01", "one"), bases=bases)
    assert told(alive) == ([("one", "lives")], "one")
    assert way_of(alive) == "; successor one (family bert, now llama)"
    dead = follow(ends("old", "2027-01-01", "one"), ends("one", DEAD, "two"), bases=bases)
    assert told(dead) == ([("one", "ended")], None)


def test_one_of_the_same_kind_goes_before_one_of_another():
    bases = {"old": a_base("old"), "one": another("one", family="llama"), "two": a_base("two")}
    bases["old"] = msgspec.structs.replace(bases["old"], successors=["two"])
    assert told(follow(ends("old", "2027-01-01", "one"), bases=bases))[1] == "two"


def test_one_of_another_kind_does_not_end_the_search_for_one_of_the_same():
    bases = {name: a_base(name) for name in ("old", "one", "two")}
    bases["llama"] = another("llama", family="llama")
    bases["old"] = msgspec.structs.replace(bases["old"], successors=["llama", "one"])
    found = follow(ends("one", DEAD, "two"), bases=bases)
    assert told(found) == ([("llama", "lives"), ("one", "ended"), ("two", "lives")], "two")


def test_a_declared_one_goes_before_one_that_is_only_stated():
    bases = {"old": msgspec.structs.replace(a_base("old"), successors=["two"])}
    bases["two"] = a_base("two")
    assert told(follow(ends("old", "2027-01-01", "org/one"), bases=bases))[1] == "two"


def test_a_successor_is_found_by_the_name_that_a_feed_has_for_it():
    bases = {
        "old": a_hosted("old", "gpt-3.5-turbo"),
        "at-azure": a_hosted("at-azure", "gpt-4o", "azure"),
        "at-openai": a_hosted("at-openai", "gpt-4o"),
    }
    at_openai = Use((Place("openai"),), hosted=True)
    dying = ends("gpt-3.5-turbo", "2027-01-01", "gpt-4o", phase="serving", provider="openai")
    assert told(follow(dying, bases=bases, use=at_openai))[1] == "at-openai"


def test_a_successor_that_nobody_declared_is_followed_by_its_name_too():
    def serving(subject: str, day: str, successor: str | None) -> Observation:
        return ends(subject, day, successor, phase="serving", provider="openai")

    found = follow(
        serving("gpt-3", "2027-01-01", "gpt-4"),
        serving("gpt-4", DEAD, "gpt-5"),
        serving("gpt-5", LIVES, None),
        bases={"old": a_hosted("old", "gpt-3")},
        use=Use((Place("openai"),), hosted=True),
    )
    assert told(found) == ([("gpt-4", "ended"), ("gpt-5", "lives")], "gpt-5")


def test_a_successor_on_weights_is_judged_by_its_weights_and_not_by_the_old_provider():
    bases = {"old": a_hosted("old", "gpt-3"), "open": a_base("open")}
    found = follow(
        ends("old", "2027-01-01", "open", phase="serving", provider="openai"),
        ends("open", DEAD),
        bases=bases,
        use=Use((Place("openai"),), hosted=True),
    )
    assert told(found) == ([("open", "ended")], None)


def test_a_feed_that_knows_the_same_end_and_no_successor_hides_none():
    silent = ends("old", "2026-12-01")
    assert told(follow(silent, ends("old", "2027-01-01", "one"), bases=["old", "one"]))[1] == "one"
