import msgspec
import pytest

from adapterctl.errors import InvalidInput
from adapterctl.records.base import BaseSource
from adapterctl.records.recipe import Owners
from adapterctl.rules.adoption.adopted import Declared, built, grade_adopted
from adapterctl.rules.names.stated import stated_base
from support.registries import a_base, a_recipe, a_record, an_adopted

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def codes(record, base=None, owners=None) -> tuple[str, list[str]]:
    grade = grade_adopted(record, base, owners or Owners())
    return grade.letter, [gap.code for gap in grade.gaps]


def test_weights_alone_are_grade_c_and_every_gap_is_named():
    assert codes(an_adopted("router")) == (
        "C",
        ["DATA001", "CODE001", "ENV001", "BASE001", "BASE002", "OWN001"],
    )


def test_without_weights_nothing_can_be_loaded():
    letter, gaps = codes(an_adopted("router", artifacts=None))
    assert (letter, gaps[0]) == ("D", "WGT002")


def test_without_a_base_nothing_can_be_loaded():
    letter, gaps = codes(an_adopted("router", base=stated_base(None)))
    assert (letter, gaps[0]) == ("D", "BASE003")
    assert "BASE001" not in gaps


def test_a_commit_a_fingerprint_and_owners_close_gaps_but_never_make_it_rebuildable():
    record = an_adopted("router", base=stated_base("acme/base-7b", revision=COMMIT))
    base = a_base("base-7b")
    owners = Owners(team="support-ml", backup="platform-ml")
    assert codes(record, base, owners) == ("C", ["DATA001", "CODE001", "ENV001"])


def test_the_commit_of_a_quantised_mirror_pins_no_base():
    mirror = stated_base("unsloth/gemma-2-9b-it-bnb-4bit", revision=COMMIT)
    assert "BASE001" in codes(an_adopted("router", base=mirror))[1]


def test_pickled_weights_are_a_gap():
    record = an_adopted("router", weights="adapter_model.bin")
    assert "WGT003" in codes(record)[1]


def test_a_stated_base_means_the_declared_one_by_repository_name_or_alias():
    hub = msgspec.structs.replace(a_base("base-7b"), source=BaseSource(hub="acme/Base-7B"))
    alias = msgspec.structs.replace(a_base("gemma"), names=["google/gemma-2-9b-it"])
    local = msgspec.structs.replace(a_base("local"), source=BaseSource(path="/data/base"))
    declared = Declared([hub, alias, local, a_base("gpt2")])
    assert declared.meant_by(stated_base("/data/base")) == local
    assert declared.meant_by(stated_base("acme/base-7b")) == hub
    assert declared.meant_by(stated_base("unsloth/gemma-2-9b-it-bnb-4bit")) == alias
    assert declared.meant_by(stated_base("gpt2")).base == "gpt2"
    assert declared.meant_by(stated_base("acme/other")) is None
    assert declared.meant_by(stated_base(None)) is None


def test_of_two_revisions_the_stated_commit_is_meant():
    source = BaseSource(hub="acme/base-7b")
    old = msgspec.structs.replace(a_base("old"), source=source, revision="f" * 40)
    new = msgspec.structs.replace(a_base("new"), source=source, revision=COMMIT)
    declared = Declared([old, new])
    assert declared.meant_by(stated_base("acme/base-7b", revision=COMMIT)) == new
    assert declared.meant_by(stated_base("acme/base-7b")) == old


def test_a_version_that_was_built_is_handed_through():
    record = a_record(a_recipe("router"), 1)
    assert built(record) is record


@pytest.mark.parametrize(
    ("changes", "how"),
    [
        (
            {},
            "adapterctl pull router@3 --out DIR, and adapterctl register "
            "registry/adapters/router/recipe.yaml --adapter DIR",
        ),
        (
            {"artifacts": None},
            "adapterctl register registry/adapters/router/recipe.yaml trains it again",
        ),
        (
            {"weights": "adapter_model.bin"},
            "adapterctl register registry/adapters/router/recipe.yaml trains it again",
        ),
    ],
)
def test_one_that_was_imported_says_what_is_missing_and_what_to_write(changes, how):
    with pytest.raises(InvalidInput) as raised:
        built(an_adopted("router", version=3, **changes))
    assert str(raised.value) == (
        "registry/adapters/router/3.json: router@3 was imported: its data, code, recipe and "
        "environment are not recorded\n"
        "  hint: write registry/adapters/router/recipe.yaml with its base, data and "
        f"preprocessing; then {how}"
    )
    assert raised.value.exit_status == 3
