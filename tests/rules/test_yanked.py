"""Which files of an index a locked package means."""

from __future__ import annotations

import pytest

from adapterctl.rules.audit.yanked import normalised, same_version, version_of


@pytest.mark.parametrize(
    ("one", "other"),
    [("1.0", "1.0.0"), ("v1.2", "1.2"), ("1.0-post1", "1.0.post1"), ("1.0RC1", "1.0rc1"),
     ("0!2", "2"), ("2024.01", "2024.1"), ("1.0+cu-118", "1.0+cu.118")],
)  # fmt: skip
def test_equal_versions_are_the_same(one: str, other: str) -> None:
    assert same_version(one) == same_version(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [("1.0", "1.1"), ("1.10", "1.1"), ("1.0rc1", "1.0"), ("1!1.0", "1.0"), ("1.0", "1.0+cpu")],
)
def test_other_versions_are_not(one: str, other: str) -> None:
    assert same_version(one) != same_version(other)


def test_packaging_agrees_where_it_is_installed() -> None:
    version = pytest.importorskip("packaging.version").Version
    texts = ["1.0", "1.0.0", "1.10", "1.1", "1.0rc1", "1.0.post1", "1.0.dev3", "2!1.0", "1.0+cpu"]
    for one in texts:
        for other in texts:
            assert (same_version(one) == same_version(other)) == (version(one) == version(other))


@pytest.mark.parametrize(
    ("file", "name", "expected"),
    [
        ("gravel-1.2-py3-none-any.whl", "gravel", "1.2"),
        ("a_b-1.2-1-cp311-cp311-manylinux_2_17_x86_64.whl", "a-b", "1.2"),
        ("a-b-1.2.tar.gz", "a-b", "1.2"),
        ("A.B-1.2.zip", "a-b", "1.2"),
        ("a-b-1.2.tar.gz", "a", "b-1.2"),
        ("a-1.2.tar.gz.asc", "a", None),
        ("a-1.2.exe", "a", None),
    ],
)
def test_the_version_is_read_from_a_files_name(file: str, name: str, expected: str | None) -> None:
    assert version_of(file, name) == expected


def test_names_are_those_of_addresses() -> None:
    assert normalised("Ruamel.YAML__clib") == "ruamel-yaml-clib"
