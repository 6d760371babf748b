"""Which dates apply to an adapter, by how it is served and rebuilt: tables of named cases."""

import pytest

from adapterctl.records.base import BaseSource
from adapterctl.records.lifecycle import Observation
from adapterctl.records.recipe import Serving
from adapterctl.rules.lifecycle.almanac import Almanac
from adapterctl.rules.lifecycle.exposure import Place, Use, applying, dark, elsewhere, superseded
from adapterctl.rules.lifecycle.tuned import tuned_from
from support.registries import TODAY, a_base

OWN = Use((Place("self-hosted", "eu"),))
OWN_ANYWHERE = Use()
OWN_AT_BEDROCK = Use((Place("bedrock", "us-east-1"),))
AT_OPENAI = Use((Place("openai"),), hosted=True)
AT_TWO = Use((Place("openai"), Place("azure", "swedencentral")), hosted=True)
AT_BEDROCK = Use((Place("bedrock", "us-east-1"),), hosted=True)


def seen(subject: str, phase: str, day: str | None = "2027-06-01", **rest: object) -> Observation:
    values = {"kind": "shutdown", "source": "https://example.org", "seen_on": "2026-11-01", **rest}
    values.setdefault("key", f"{subject}:{phase}:{day}:{sorted(rest.items(), key=str)}")
    return Observation(subject=subject, phase=phase, date=day, **values)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("phase", "provider", "region", "use", "hit"),
    [
        pytest.param("weights", None, None, OWN, True, id="weights, self-hosted"),
        pytest.param("weights", None, None, OWN_ANYWHERE, True, id="weights, served nobody knows"),
        pytest.param("weights", None, None, OWN_AT_BEDROCK, True, id="weights, brought to bedrock"),
        pytest.param("weights", None, None, AT_OPENAI, False, id="weights, a hosted fine-tune"),
        pytest.param("serving", "openai", None, OWN, False, id="a provider's service, self-hosted"),
        pytest.param("serving", "openai", None, AT_OPENAI, True, id="a provider's service, there"),
        pytest.param("serving", "azure", None, AT_OPENAI, False, id="another provider's service"),
        pytest.param("serving", "azure", "eu", AT_TWO, True, id="one of two places, by its zone"),
        pytest.param("serving", "azure", "us", AT_TWO, False, id="another zone"),
        pytest.param("serving", "bedrock", "us", AT_BEDROCK, True, id="the zone of the region"),
        pytest.param("serving", "bedrock", "eu", AT_BEDROCK, False, id="a zone elsewhere"),
        pytest.param("serving", "bedrock", "us-west-2", AT_BEDROCK, False, id="another region"),
        pytest.param("serving", "bedrock", None, OWN_AT_BEDROCK, True, id="brought to bedrock"),
        pytest.param("serving", None, None, OWN, True, id="service everywhere"),
        pytest.param("tuning", "openai", None, AT_OPENAI, True, id="training there, hosted"),
        pytest.param("tuning", "azure", None, AT_OPENAI, False, id="training elsewhere, hosted"),
        pytest.param("tuning", "openai", None, OWN, False, id="a provider's training, self-hosted"),
        pytest.param("tuning", "bedrock", None, OWN_AT_BEDROCK, False, id="trained elsewhere"),
        pytest.param("tuning", None, None, OWN, True, id="training anywhere"),
    ],
)
def test_a_date_hits_by_how_the_adapter_is_served_and_rebuilt(phase, provider, region, use, hit):
    date = seen("base", phase, provider=provider, region=region)
    assert applying([date], use) == ([date] if hit else [])


@pytest.mark.parametrize(
    ("subject", "provider", "base"),
    [
        ("ft:gpt-4o-2024-08-06", "openai", "gpt-4o-2024-08-06"),
        ("ft-gpt-3.5-turbo", "openai", "gpt-3.5-turbo"),
        ("ft-gpt-3.5-turbo", "acme", None),
        ("Command-R-03-2024-finetuned", "cohere", "Command-R-03-2024"),
        ("ft:mistral.mistral-7b-instruct-v0:2", "bedrock", "mistral.mistral-7b-instruct-v0:2"),
        ("gpt-4o", "openai", None),
        ("ft:", "openai", None),
        ("minilm-l6", None, None),
    ],
)
def test_feeds_name_fine_tunes_after_their_base(subject, provider, base):
    assert tuned_from(subject, provider) == base


OWN_DATE = seen("gpt", "serving", "2026-09-28", provider="openai")
TUNED = seen("ft:gpt", "serving", "2026-10-23", provider="openai")


def test_a_date_of_fine_tunes_counts_instead_of_the_bases_own_for_those_that_live_there():
    assert applying([OWN_DATE, TUNED], AT_OPENAI) == [TUNED]
    assert superseded([OWN_DATE, TUNED], AT_OPENAI) == [OWN_DATE]


def test_a_date_of_fine_tunes_is_nothing_to_an_adapter_on_weights_of_ones_own():
    there = Use((Place("openai"),))
    assert applying([OWN_DATE, TUNED], there) == [OWN_DATE]
    assert superseded([OWN_DATE, TUNED], there) == []


def test_a_date_of_fine_tunes_at_one_provider_leaves_the_bases_own_at_another():
    azure = seen("gpt", "serving", "2026-12-01", provider="azure")
    assert applying([OWN_DATE, TUNED, azure], AT_TWO) == [TUNED, azure]
    everywhere = seen("gpt", "serving", "2026-12-01")
    assert applying([everywhere, TUNED], AT_TWO) == [everywhere, TUNED]


def test_without_a_date_of_fine_tunes_the_bases_own_counts():
    assert applying([OWN_DATE], AT_OPENAI) == [OWN_DATE]


@pytest.mark.parametrize(
    ("day", "counts"), [("2026-09-01", [OWN_DATE, None]), ("2026-12-01", [None])]
)
def test_an_earliest_day_of_fine_tunes_counts_instead_only_of_an_end_before_it(day, counts):
    maybe = seen("ft:gpt", "serving", day, provider="openai", kind="not_before")
    assert applying([OWN_DATE, maybe], AT_OPENAI) == [one or maybe for one in counts]


@pytest.mark.parametrize(
    ("dates", "use", "left"),
    [
        pytest.param([], OWN, [0], id="nothing known, self-hosted"),
        pytest.param([seen("b", "weights")], OWN, [], id="weights, self-hosted"),
        pytest.param([seen("b", "serving")], OWN, [], id="service everywhere, self-hosted"),
        pytest.param([seen("b", "tuning")], OWN, [0], id="training is no end"),
        pytest.param([seen("b", "weights")], OWN_AT_BEDROCK, [0], id="weights say nothing of it"),
        pytest.param([seen("b", "serving", provider="openai")], AT_TWO, [1], id="one of two"),
        pytest.param(
            [seen("b", "serving", provider="bedrock", region="eu")], AT_BEDROCK, [0], id="not here"
        ),
        pytest.param([TUNED], AT_OPENAI, [], id="fine-tunes have a date"),
        pytest.param(
            [seen("b", "serving", provider="openai", kind="not_before")],
            AT_OPENAI,
            [],
            id="an earliest day is known",
        ),
    ],
)
def test_a_place_whose_end_nobody_knows_is_dark(dates, use, left):
    assert dark(applying(dates, use), use) == [use.places[number] for number in left]


def test_of_an_adapter_served_nobody_knows_where_the_places_that_have_dates_are_named():
    dates = [OWN_DATE, TUNED, seen("gpt", "tuning", provider="azure"), seen("gpt", "weights")]
    assert list(elsewhere(dates, OWN_ANYWHERE)) == ["openai"]


def test_an_adapter_on_a_base_that_only_a_provider_has_is_hosted():
    source = BaseSource(provider="openai", model="gpt-4o")
    hosted = type(a_base("x"))(schema_version=1, base="gpt", source=source)
    almanac = Almanac([], {"gpt": hosted, "minilm-l6": a_base("minilm-l6")})
    assert almanac.use("gpt", []) == AT_OPENAI
    assert not almanac.use("minilm-l6", [Serving(provider="openai")]).hosted
    assert almanac.use("gpt-9", [Serving(provider="openai")], hosted=True) == AT_OPENAI


def test_what_is_known_of_a_place_is_found_once_for_all_adapters_there():
    almanac = Almanac([OWN_DATE], {})
    served = [Serving(provider="openai", consumers=["one"])]
    first = almanac.status_on(TODAY, base="gpt", serving=served, lead_days=60, hosted=True)
    other = [Serving(provider="openai", consumers=["two"])]
    again = almanac.status_on(TODAY, base="gpt", serving=other, lead_days=60, hosted=True)
    assert first.ends == OWN_DATE
    assert again is first
    longer = almanac.status_on(TODAY, base="gpt", serving=other, lead_days=90, hosted=True)
    assert longer.slack_days == (first.slack_days or 0) - 30
