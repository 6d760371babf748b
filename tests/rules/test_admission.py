"""How many adapters train at once follows from what the first steps took."""

from __future__ import annotations

import pytest

from adapterctl.rules.admission import Costs, Need, Sample, admits, costs

SMALL, LARGE = Need(parameters=100, tokens=10), Need(parameters=400, tokens=50)
MEASURED = Costs(per_parameter=12.0, per_token=40.0)


def test_the_largest_costs_count() -> None:
    samples = [Sample(need=SMALL, held=1200, peak=500), Sample(need=LARGE, held=4000, peak=1000)]
    assert costs(samples) == Costs(per_parameter=12.0, per_token=50.0)


@pytest.mark.parametrize(("free", "fits"), [(1999, False), (2000, True)])
def test_an_adapter_joins_where_its_weights_and_the_widest_pass_fit(free: int, fits: bool) -> None:
    # 1.25 * (100 * 12 + 10 * 40)
    assert admits(SMALL, beside=[SMALL], new=[], costs=MEASURED, free=free) is fits


def test_the_widest_pass_may_be_a_neighbours() -> None:
    # 1.25 * (100 * 12 + 50 * 40)
    assert not admits(SMALL, beside=[LARGE], new=[], costs=MEASURED, free=3999)
    assert admits(SMALL, beside=[LARGE], new=[], costs=MEASURED, free=4000)


def test_what_a_neighbour_will_hold_after_its_first_step_is_left_to_it() -> None:
    # 1.25 * (500 * 12 + 50 * 40)
    assert not admits(SMALL, beside=[LARGE], new=[LARGE], costs=MEASURED, free=9999)
    assert admits(SMALL, beside=[LARGE], new=[LARGE], costs=MEASURED, free=10000)
