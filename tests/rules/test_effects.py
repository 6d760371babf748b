"""An adapter that changes nothing, or does not fit, is named with its code."""

from __future__ import annotations

from adapterctl.rules.effects import Effect, Fit, idle, misfits


def test_an_adapter_that_fits_and_changes_an_answer_is_let_through() -> None:
    assert Fit("", ()).whole
    assert list(misfits(Fit("", ()), place="router")) == []
    assert list(idle(Effect(rows=32, changed=1, largest=1e-9), place="router")) == []


def test_an_adapter_that_changes_no_answer_is_refused() -> None:
    [problem] = idle(Effect(rows=32, changed=0, largest=0.0), place="router")
    assert str(problem) == (
        "router: WGT001 the adapter changes nothing: 32 rows are answered to the last bit as "
        "without it\n  hint: train longer, or with a higher learning rate or a shorter warm-up"
    )


def test_keys_and_target_modules_without_a_place_are_refused_together() -> None:
    fit = Fit("1 missing (a)", ("q_proj", "v_proj"))
    assert not fit.whole
    assert [problem.what for problem in misfits(fit, place="router")] == [
        "WGT002 the adapter does not fit its base: 1 missing (a)",
        "WGT002 target modules that the base does not have: q_proj, v_proj",
    ]
