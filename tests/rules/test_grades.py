import msgspec
import pytest

from adapterctl.records.base import BaseSource
from adapterctl.records.recipe import Owners
from adapterctl.rules.grades import Gap, grade
from support.registries import a_recipe, a_record

RECIPE = a_recipe("support-router")
RECORD = a_record(RECIPE, 1)
replace = msgspec.structs.replace


def gaps(record=RECORD, recipe=RECIPE, **rest):
    found = grade(record, recipe, **rest)
    return found.letter, [gap.code for gap in found.gaps]


def test_a_version_with_everything_pinned_is_rebuildable():
    assert gaps() == ("A", [])


@pytest.mark.parametrize(
    ("record", "recipe", "gap"),
    [
        (
            replace(RECORD, base=replace(RECORD.base, revision=None)),
            RECIPE,
            Gap(code="BASE001", what="base revision not pinned"),
        ),
        (
            replace(RECORD, code=replace(RECORD.code, committed=False)),
            RECIPE,
            Gap(code="CODE003", what="code not committed"),
        ),
        (
            replace(RECORD, recipe=replace(RECIPE, trust_remote_code=True)),
            RECIPE,
            Gap(code="CODE005", what="remote code of the base trusted"),
        ),
        (replace(RECORD, selection=None), RECIPE, Gap(code="DATA004", what="no selection")),
        (replace(RECORD, evaluation={}), RECIPE, Gap(code="EVAL002", what="no evaluation set")),
        (
            RECORD,
            replace(RECIPE, owners=Owners(backup="platform-ml")),
            Gap(code="OWN001", what="no owner"),
        ),
        (
            RECORD,
            replace(RECIPE, owners=Owners(team="support-ml")),
            Gap(code="OWN001", what="no backup owner"),
        ),
    ],
    ids=lambda value: value.code if isinstance(value, Gap) else "",
)
def test_a_stated_gap_makes_it_a_b(record, recipe, gap):
    found = grade(record, recipe)
    assert (found.letter, found.gaps) == ("B", [gap])


def test_owners_are_judged_as_the_recipe_says_today():
    unowned_then = replace(RECORD, recipe=replace(RECIPE, owners=Owners()))
    assert gaps(unowned_then) == ("A", [])


def test_a_hosted_base_has_no_revision_to_pin():
    source = BaseSource(provider="openai", model="gpt-4o-mini")
    hosted = replace(RECORD.base, source=source, revision=None)
    assert gaps(replace(RECORD, base=hosted)) == ("A", [])


def test_removed_data_leave_only_the_weights():
    assert gaps(data_removed=True) == ("C", ["DATA001"])


def test_preprocessing_that_was_not_captured_leaves_only_the_weights():
    record = replace(RECORD, code=replace(RECORD.code, files=[]))
    assert gaps(record) == ("C", ["CODE001"])


def test_without_weights_among_its_files_it_cannot_be_loaded():
    config_only = [file for file in RECORD.artifacts.files if file.path.endswith(".json")]
    record = replace(RECORD, artifacts=replace(RECORD.artifacts, files=config_only))
    assert gaps(record) == ("D", ["WGT002"])


def test_with_a_base_from_nowhere_it_cannot_be_loaded():
    record = replace(RECORD, base=replace(RECORD.base, source=BaseSource()))
    assert gaps(record) == ("D", ["BASE003"])


def test_the_worst_gap_decides_and_every_gap_is_told():
    record = replace(RECORD, selection=None)
    assert gaps(record, data_removed=True) == ("C", ["DATA001", "DATA004"])
