"""What of a successor reaches a trainer command, and what keeps the rest from it."""

from __future__ import annotations

import msgspec

from adapterctl.records.recipe import Command
from adapterctl.rules.planning.plans import RebuildPlan, draft
from support.plans import by_command, facts

SCRIPT = Command(command="python train.py --recipe {recipe}")


def planned(command: Command, **how) -> RebuildPlan:
    return draft(by_command(command, **how))


def blocked_by(plan: RebuildPlan) -> list[tuple[str, str]]:
    return [(blocker.what, blocker.mend) for blocker in plan.blockers]


def test_the_builtin_trainer_has_no_such_section():
    assert draft(facts()).trainer is None


def test_a_script_that_is_handed_the_recipe_is_handed_everything():
    plan = planned(SCRIPT, new_context=64)
    assert blocked_by(plan) == []
    assert plan.trainer is not None
    assert plan.trainer.command == "python train.py --recipe {recipe}"
    assert [each.rung for each in plan.trainer.cannot] == ["warm start", "old adapter as teacher"]


def test_the_command_is_shown_as_it_would_run():
    plan = planned(
        Command(
            command="x --lr {learning_rate} --m {lora.target_modules} {base} {data} {out} {config}",
            config="a.yml",
            set={"seed": "{seed}", "lora.targets": "{lora.target_modules}"},
        ),
        config="seed: 1\nlora: {targets: [query]}\n",
    )
    assert plan.can_run
    assert plan.trainer is not None
    rate = plan.proposed_recipe.training.learning_rate
    assert plan.trainer.command == (
        f"x --lr {rate!r} --m q_proj,v_proj {{base}} {{data}} {{out}} {{config}}"
    )
    assert plan.trainer.set == {
        "seed": plan.proposed_recipe.training.seed,
        "lora.targets": ["q_proj", "v_proj"],
    }


def test_mapped_modules_that_do_not_reach_the_trainer_block():
    [found] = blocked_by(planned(Command(command="x {base} {data} {out} {learning_rate}")))
    assert found == (
        "lora.target_modules becomes q_proj, v_proj, and the trainer is not told",
        'write in recipe.yaml: trainer.set: {KEY: "{lora.target_modules}"}, or '
        "{lora.target_modules} in trainer.command",
    )


def test_any_changed_setting_that_does_not_reach_the_trainer_blocks():
    command = Command(command="x {base} {data} {out} {lora.target_modules}")
    [found] = blocked_by(planned(command, new_context=64))
    assert found[0] == "training.max_length becomes 64, and the trainer is not told"


def test_without_the_learning_rate_there_is_no_sweep():
    plan = planned(Command(command="x {base} {data} {out} {lora.target_modules}"))
    assert plan.trainer is not None and plan.can_run
    assert "learning-rate sweep" in [each.rung for each in plan.trainer.cannot]


def test_the_old_base_in_the_config_blocks():
    command = Command(command="x {recipe} {config}", config="a.yml", set={"seed": "{seed}"})
    text = "seed: 1\nmodel: {path: /srv/bases/old/}\n"
    assert blocked_by(planned(command, config=text)) == [
        (
            "a.yml: model.path is the old base",
            'write in recipe.yaml: trainer.set: {model.path: "{base}"}',
        )
    ]
    mended = Command(command=command.command, config="a.yml", set={"model.path": "{base}"})
    assert planned(mended, config=text).can_run


def test_modules_that_only_the_old_base_has_block_in_the_config():
    command = Command(command="x {recipe} {config}", config="a.yml", set={})
    text = "lora_target_modules: [query, value]\nfield: query\n"
    assert blocked_by(planned(command, config=text)) == [
        (
            f"a.yml: lora_target_modules[{number}] is {name} of the old base",
            'write in recipe.yaml: trainer.set: {lora_target_modules: "{lora.target_modules}"}',
        )
        for number, name in enumerate(["query", "value"])
    ]
    shared = "lora_target_modules: [q_proj]\n"
    assert planned(command, config=shared).can_run


def test_what_is_written_out_in_the_command_blocks():
    command = Command(command="x {recipe} --base bases/old --target-modules=query,value --q query")
    assert blocked_by(planned(command)) == [
        ("trainer.command: bases/old is the old base", "write {base} there"),
        (
            "trainer.command: --target-modules=query,value is query, value of the old base",
            "write {lora.target_modules} there",
        ),
    ]


def test_todays_recipe_may_say_another_way_to_hand_over():
    old = Command(command="x {config}", config="a.yml", set={"base": "{base}", "data": "{data}"})
    new = msgspec.structs.replace(
        old, set={**old.set, "modules": "{lora.target_modules}", "out": "{out}"}
    )
    text = "base: b\ndata: d\nout: o\nmodules: [query]\n"
    assert not planned(old, config=text).can_run
    plan = planned(old, today=new, config=text)
    assert plan.can_run
    assert plan.proposed_recipe.trainer == new
    assert plan.changes_in_recipe["trainer"][1]["set"]["modules"] == "{lora.target_modules}"


def test_today_cannot_name_a_file_that_the_record_does_not_hold():
    [found] = blocked_by(
        planned(SCRIPT, today=Command(command="python better.py --recipe {recipe}"))
    )
    assert found[0].startswith("today's trainer.command names better.py, which support-router@1")


def test_a_key_that_the_pinned_config_does_not_have_blocks():
    command = Command(command="x {recipe} {config}", config="a.yml", set={"rate": "1"})
    [found] = blocked_by(planned(command, config="seed: 1\n"))
    assert found == ("a.yml has no rate", "add rate to it")
