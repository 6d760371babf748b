"""What an audit says of the three deaths: EOL001 to EOL004, EOL006 and EOL007."""

from typing import Any

import msgspec
import pytest

from adapterctl.records.base import Base, BaseSource
from adapterctl.records.lifecycle import Observation
from adapterctl.records.recipe import Serving
from adapterctl.rules.audit.date_changes import date_changes
from adapterctl.rules.audit.endings import endings
from adapterctl.rules.audit.judged import Frame
from adapterctl.rules.findings import Finding
from adapterctl.rules.gates import Prospect
from adapterctl.rules.lifecycle.almanac import Almanac
from support.registries import TODAY, a_base, a_recipe, in_days

SOURCE = "https://example.org"
GPT = Base(schema_version=1, base="gpt", source=BaseSource(provider="openai", model="gpt-4o"))
OPENAI = Serving(provider="openai")
FRAME = Frame(today=TODAY, horizon_days=180)


def on(base: str, phase: str, days: int, **rest: Any) -> Observation:
    values = {"kind": "shutdown", "source": SOURCE, "seen_on": "2026-11-01", **rest}
    key = f"{base}:{phase}:{days}:{sorted(rest.items())}"
    return Observation(subject=base, phase=phase, date=in_days(days), key=key, **values)  # type: ignore[arg-type]


def found(
    *dates: Observation,
    base: Base = GPT,
    others: tuple[Base, ...] = (),
    serving: tuple[Serving, ...] = (OPENAI,),
) -> list[Finding]:
    almanac = Almanac(dates, {one.base: one for one in (base, *others)})
    recipe = msgspec.structs.replace(a_recipe("router"), base=base.base, serving=list(serving))
    status = almanac.status_on(TODAY, base=base.base, serving=serving, lead_days=60)
    return list(endings(Prospect(recipe=recipe, status=status), almanac, FRAME))


def codes(findings: list[Finding]) -> list[str]:
    return [finding.code for finding in findings]


def serving(days: int, **rest: Any) -> Observation:
    return on("gpt-4o", "serving", days, provider="openai", **rest)


def tuned(days: int, **rest: Any) -> Observation:
    return on("ft:gpt-4o", "serving", days, provider="openai", **rest)


def tuning(days: int, **rest: Any) -> Observation:
    return on("gpt-4o", "tuning", days, **{"provider": "openai", **rest})


@pytest.mark.parametrize(
    ("dates", "said"),
    [
        pytest.param([serving(400), tuning(100)], ["EOL006"], id="closes in the horizon"),
        pytest.param([serving(400), tuning(180)], ["EOL006"], id="on the last day of it"),
        pytest.param([serving(400), tuning(181)], [], id="closes beyond the horizon"),
        pytest.param([serving(400), tuning(-30)], ["EOL006"], id="has closed, and serves on"),
        pytest.param([serving(100), tuning(100)], ["EOL003"], id="closes with the service"),
        pytest.param([serving(100), tuning(150)], ["EOL003"], id="closes after the service"),
        pytest.param([serving(-1), tuning(-30)], ["EOL001"], id="both are over"),
        pytest.param([serving(30), tuning(10)], ["EOL002", "EOL006"], id="both are near"),
        pytest.param([tuning(10)], ["EOL006", "EOL004"], id="nobody knows how long it serves"),
        pytest.param([serving(400), tuning(9, provider="azure")], [], id="closes elsewhere"),
        pytest.param([serving(400), tuning(9, provider=None)], ["EOL006"], id="closes anywhere"),
        pytest.param([serving(100), tuned(400), tuning(9)], ["EOL006"], id="fine-tunes live on"),
        pytest.param([serving(400), tuned(20), tuning(30)], ["EOL002"], id="fine-tunes do not"),
    ],
)
def test_the_end_of_training_is_no_end_of_the_adapter_and_is_said_if_it_comes_first(dates, said):
    assert codes(found(*dates)) == said


def test_the_end_of_a_providers_training_is_nothing_to_weights_of_ones_own():
    base = a_base("minilm-l6")
    dates = [on("minilm-l6", "tuning", 10, provider="openai"), on("minilm-l6", "weights", 400)]
    assert found(*dates, base=base, serving=(Serving(provider="self-hosted"),)) == []


def test_eol006_says_the_last_day_and_how_long_it_is_served_after():
    (closing,) = found(serving(312), tuning(44))
    assert closing == Finding(
        code="EOL006",
        severity="medium",
        subject="adapter:router",
        message="tuning on gpt at openai: the last day to train is 2027-01-06, in 44 d; it is "
        f"served until 2027-10-01, 268 d longer, without being trained anew; source {SOURCE}",
        owners=["support-ml", "platform-ml"],
        base="gpt",
        phase="tuning",
        provider="openai",
        date=closing.date,
        mend="train anew what has to change by 2027-01-06, or adapterctl plan router --to "
        "SUCCESSOR",
    )
    assert str(closing.date) == "2027-01-06"


@pytest.mark.parametrize(
    ("dates", "severity", "said", "mend"),
    [
        (
            [serving(400), tuning(0)],
            "medium",
            "the last day to train is 2026-11-23, in 0 d; it is served until 2027-12-28, 400 d "
            "longer, without being trained anew",
            "train anew what has to change by 2026-11-23, or adapterctl plan router --to SUCCESSOR",
        ),
        (
            [serving(400), tuning(-1)],
            "medium",
            "the last day to train was 2026-11-22, 1 d ago; it is served until 2027-12-28, 401 d "
            "longer, without being trained anew",
            "adapterctl plan router --to SUCCESSOR",
        ),
        (
            [serving(400, kind="not_before"), tuning(10)],
            "medium",
            "the last day to train is 2026-12-03, in 10 d; it is served at least until 2027-12-28, "
            "390 d longer, without being trained anew",
            "train anew what has to change by 2026-12-03, or adapterctl plan router --to SUCCESSOR",
        ),
        (
            [tuning(10)],
            "medium",
            "the last day to train is 2026-12-03, in 10 d; nothing says how long it is served "
            "after that without being trained anew",
            "train anew what has to change by 2026-12-03, or adapterctl plan router --to SUCCESSOR",
        ),
        (
            [serving(400), tuning(10, kind="not_before")],
            "low",
            "not before 2026-12-03 it closes, and no firm date; it is served until 2027-12-28, "
            "390 d longer, without being trained anew",
            "train anew what has to change by 2026-12-03, or adapterctl plan router --to SUCCESSOR",
        ),
    ],
)
def test_what_eol006_says_when(dates, severity, said, mend):
    closing = found(*dates)[0]
    assert (closing.code, closing.severity) == ("EOL006", severity)
    assert closing.message == f"tuning on gpt at openai: {said}; source {SOURCE}"
    assert closing.mend == mend


def test_where_training_closes_at_two_providers_each_is_said():
    at_azure = {"provider": "azure"}
    dates = [
        serving(300),
        on("gpt-4o", "serving", 400, **at_azure),
        tuning(10),
        on("gpt-4o", "tuning", 20, **at_azure),
    ]
    base = msgspec.structs.replace(GPT, names=["gpt-4o"])
    closing = found(*dates, base=base, serving=(OPENAI, Serving(provider="azure")))
    assert [(one.code, one.provider) for one in closing] == [
        ("EOL006", "openai"),
        ("EOL006", "azure"),
    ]
    assert "290 d longer" in closing[0].message
    assert "380 d longer" in closing[1].message


def test_the_earliest_end_of_all_places_counts():
    dates = [serving(150), on("gpt", "serving", 100, provider="azure", region="eu")]
    azure = Serving(provider="azure", region="swedencentral")
    (ending,) = found(*dates, serving=(OPENAI, azure))
    assert (ending.code, ending.provider, ending.slack_days) == ("EOL003", "azure", 40)


def test_a_date_of_fine_tunes_says_that_it_counts_instead():
    (ending,) = found(serving(100), tuned(130))
    assert ending.message == (
        "serving of fine-tunes of gpt at openai: shutdown on 2027-04-02, in 130 d; begin by "
        f"2027-02-01; it counts instead of the base's own 2027-03-03; source {SOURCE}"
    )
    assert ending.slack_days == 70


def test_a_date_of_fine_tunes_on_the_same_day_says_no_more_than_itself():
    (ending,) = found(serving(100), tuned(100))
    assert ending.message.startswith("serving of fine-tunes of gpt at openai: shutdown on 2027-03")
    assert "instead" not in ending.message


def test_every_place_without_a_known_end_is_named_once():
    places = (
        Serving(provider="bedrock", region="us-east-1"),
        Serving(provider="bedrock", region="eu-west-1"),
        Serving(provider="bedrock", region="us-east-1", consumers=["desk"]),
    )
    unknown = found(on("gpt", "serving", 400, provider="bedrock", region="us"), serving=places)
    assert [(one.code, one.region) for one in unknown] == [("EOL004", "eu-west-1")]
    assert unknown[0].message == ("no date is known for how long bedrock serves gpt in eu-west-1")
    assert unknown[0].mend == (
        "adapterctl lifecycle add gpt --phase serving --provider bedrock --region eu-west-1 "
        "--not-before DATE --source URL"
    )


def test_the_end_of_weights_says_nothing_of_a_provider_that_they_were_brought_to():
    dates = [on("minilm-l6", "weights", 900)]
    places = (Serving(provider="self-hosted"), Serving(provider="bedrock"))
    unknown = found(*dates, base=a_base("minilm-l6"), serving=places)
    assert [(one.code, one.provider) for one in unknown] == [("EOL004", "bedrock")]


def test_the_mend_names_the_first_successor_that_lives_and_the_message_the_way_to_it():
    old = msgspec.structs.replace(a_base("old"), successors=["one"])
    one = msgspec.structs.replace(a_base("one"), successors=["two"])
    dates = [on("old", "weights", 100), on("one", "weights", 120)]
    here = (Serving(provider="self-hosted"),)
    ending, short = found(*dates, base=old, others=(one, a_base("two")), serving=here)
    assert ending.message.endswith(f"source {SOURCE}; successor one (until 2027-03-23) -> two")
    assert ending.mend == "adapterctl plan router --to two"
    assert (short.code, short.mend) == ("EOL007", "adapterctl plan router --to two")
    assert short.message.startswith("successor one has 20 d of runway from 2027-03-03, less than")


def test_a_fine_tune_moves_to_a_successor_at_its_provider_by_being_trained_there():
    after = Base(
        schema_version=1, base="gpt-5", source=BaseSource(provider="openai", model="gpt-5.4")
    )
    (ending,) = found(serving(100, successor="gpt-5.4"), others=(after,))
    assert ending.mend == "train it on gpt-5.4 at openai, then adapterctl import --hosted FILE"


def moves(*dates: Observation) -> list[Finding]:
    """Returns what is said of changed dates of an adapter on ``gpt`` at OpenAI."""
    almanac = Almanac(dates, {"gpt": GPT})
    recipe = msgspec.structs.replace(a_recipe("router"), base="gpt", serving=[OPENAI])
    status = almanac.status_on(TODAY, base="gpt", serving=[OPENAI], lead_days=60)
    return list(date_changes(Prospect(recipe=recipe, status=status), almanac, FRAME))


def later(observation: Observation, days: int | None) -> Observation:
    """Returns the same record of a feed as it was seen a week ago, with another date or none."""
    day = None if days is None else in_days(days)
    return msgspec.structs.replace(observation, date=day, seen_on=in_days(-7))


def test_a_moved_date_of_fine_tunes_is_said_and_the_bases_own_is_nothing_to_them():
    own, theirs = serving(300), tuned(400)
    (moved,) = moves(own, later(own, 310), theirs, later(theirs, 500))
    assert moved.message.startswith("serving of fine-tunes of gpt at openai: shutdown 2027-12-28")
    assert [one.code for one in moves(own, later(own, 310))] == ["EOL005"]


def test_a_vanished_date_of_fine_tunes_is_stated_again_as_theirs():
    (gone,) = moves(tuned(400), later(tuned(400), None))
    assert gone.code == "EOL008"
    assert gone.mend == (
        "adapterctl lifecycle add gpt --phase serving --provider openai --tuned --shutdown DATE "
        "--source URL"
    )


def test_the_end_of_a_providers_training_that_moved_is_said_where_it_hits():
    assert [one.code for one in moves(tuning(300), later(tuning(300), 310))] == ["EOL005"]
    azure = tuning(300, provider="azure")
    assert moves(azure, later(azure, 310)) == []
