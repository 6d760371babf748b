import msgspec
import pytest

from adapterctl.errors import InvalidInput
from adapterctl.records.adopted import AdoptedVersion, read_record
from adapterctl.records.canonical import pretty
from adapterctl.records.version import VersionRecord
from support.registries import a_recipe, a_record, an_adopted


def test_both_kinds_of_record_are_read_back_as_they_were_written():
    for record in (a_record(a_recipe("router"), 1), an_adopted("router")):
        assert read_record(pretty(record), file="1.json") == record


def test_an_adopted_version_is_told_by_its_tag():
    assert msgspec.json.decode(pretty(an_adopted("router")))["kind"] == "adopted"
    assert "kind" not in msgspec.json.decode(pretty(a_record(a_recipe("router"), 1)))


@pytest.mark.parametrize(
    ("raw", "what"),
    [
        (b"{", "Input data was truncated"),
        (b'{"kind": "adopted"}', "Object missing required field `schema_version`"),
        (b'{"kind": "borrowed"}', "Object contains unknown field `kind`"),
        (b"[]", "Expected `object`, got `array`"),
    ],
)
def test_what_is_neither_is_refused_with_its_place(raw, what):
    with pytest.raises(InvalidInput) as raised:
        read_record(raw, file="1.json")
    assert str(raised.value) == (
        f"1.json: {what}\n  hint: records are never edited: git checkout the file"
    )


def test_an_adopted_version_takes_no_unknown_key():
    plain = msgspec.to_builtins(an_adopted("router")) | {"surprise": 1}
    with pytest.raises(InvalidInput, match="unknown field `surprise`"):
        read_record(msgspec.json.encode(plain), file="1.json")


def test_the_two_kinds_share_what_readers_ask_of_any_record():
    shared = {"adapter", "version", "created", "created_by", "base", "artifacts", "weights_sha256"}
    for kind in (VersionRecord, AdoptedVersion):
        assert shared <= {field.name for field in msgspec.structs.fields(kind)}
