import json
from pathlib import Path

import pytest

from adapterctl.records.adopted import PeftRelease
from adapterctl.rules.adoption.peft_releases import fields_by_release, release_of


def lora(release: str, **more) -> dict:
    """A config with exactly the keys of a release."""
    return {**dict.fromkeys(fields_by_release()[release]), "peft_type": "LORA", **more}


def test_the_table_says_what_the_facts_say(corpus: Path):
    facts = json.loads((corpus / "adapters" / "peft_lora_keys_by_release.json").read_text())
    stated = {
        name.removeprefix("v"): set(keys) for name, keys in facts["fields_by_release"].items()
    }
    assert list(fields_by_release()) == list(stated)
    assert fields_by_release() == stated


@pytest.mark.parametrize(
    ("release", "first", "last"),
    [
        ("0.0.2", "0.0.1", "0.0.2"),
        ("0.3.0", "0.3.0", "0.3.0"),
        ("0.5.0", "0.4.0", "0.5.0"),
        ("0.12.0", "0.10.0", "0.13.2"),
        ("0.17.1", "0.17.0", "0.17.1"),
    ],
)
def test_keys_date_a_config_that_does_not_say_its_release(release, first, last):
    assert release_of(lora(release)) == PeftRelease(min=first, max=last)


def test_a_stated_release_is_believed():
    assert release_of({"peft_type": "LORA", "peft_version": "0.18.2.dev0@UNKNOWN"}) == PeftRelease(
        min="0.18.2.dev0", max="0.18.2.dev0"
    )


def test_an_edited_config_may_be_of_every_release_that_knows_its_keys():
    edited = {"peft_type": "LORA", "r": 8, "use_rslora": True}
    assert release_of(edited) == PeftRelease(min="0.8.0", max="0.20.0")


def test_keys_of_no_release_leave_the_end_open():
    later = {**lora("0.20.0"), "peft_version": None, "a_new_field": 1}
    assert release_of(later) == PeftRelease(min="0.20.0", max=None)


def test_keys_of_a_fork_do_not_make_an_old_config_a_new_one():
    assert release_of(lora("0.4.0", fork_field=1)) == PeftRelease(min="0.4.0", max="0.5.0")


def test_keys_that_never_stood_together_say_nothing():
    odd = {"peft_type": "LORA", "enable_lora": None, "use_dora": False}
    assert release_of(odd) == PeftRelease()


def test_other_types_are_dated_by_what_all_types_share():
    shared = {"peft_type": "IA3", "base_model_name_or_path": None, "auto_mapping": None}
    assert release_of(shared) == PeftRelease(min="0.4.0", max=None)


@pytest.mark.parametrize("wrong", [7, None, "", []])
def test_a_release_that_is_no_text_is_not_believed(wrong):
    assert release_of(lora("0.3.0") | {"peft_version": wrong}) != PeftRelease(min=wrong, max=wrong)
