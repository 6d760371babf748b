"""What a teacher can pass on from one base to another."""

from __future__ import annotations

import msgspec

from adapterctl.rules.teaching import shares_tokens
from support.plans import a_shape


def test_equal_vocabularies_share_their_tokens_and_unknown_ones_do_not() -> None:
    one = msgspec.structs.replace(a_shape("llama", 8), vocabulary_sha256="a" * 64)
    other = msgspec.structs.replace(one, vocabulary_sha256="b" * 64)
    unknown = msgspec.structs.replace(one, vocabulary_sha256="")
    assert shares_tokens(one, msgspec.structs.replace(one, family="another"))
    assert not shares_tokens(one, other)
    assert not shares_tokens(unknown, unknown)
