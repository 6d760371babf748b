"""What differs between two environments is told, and told apart by what it can do to results."""

from __future__ import annotations

import msgspec
import pytest

from adapterctl.records.version import Environment
from adapterctl.rules.environments import (
    Differences,
    compared,
    differences,
    lock_gaps,
    result_bearing,
)
from support.registries import an_environment

BUILT = msgspec.structs.replace(
    an_environment(),
    python="3.11.7",
    cpu_model="A",
    distributions={"torch": "2.13.0", "numpy": "2.3.0", "rich": "14.0"},
    variables={"OMP_NUM_THREADS": "2"},
)

CAN_CHANGE = {
    "another minor Python": ({"python": "3.12.1"}, "python: 3.11 -> 3.12"),
    "another platform": ({"platform": "darwin-arm64"}, "platform: linux-x86_64 -> darwin-arm64"),
    "other instructions": ({"cpu_capability": "AVX512"}, "cpu_capability: AVX2 -> AVX512"),
    "other threads": ({"threads": 4}, "threads: 2 -> 4"),
    "another CUDA": ({"cuda": "13.0"}, "cuda: None -> 13.0"),
    "another driver": ({"driver": "580.1"}, "driver: None -> 580.1"),
    "another torch": (
        {"distributions": BUILT.distributions | {"torch": "2.13.0+cpu"}},
        "torch: 2.13.0 -> 2.13.0+cpu",
    ),
    "a tokenizer that came": (
        {"distributions": BUILT.distributions | {"tokenizers": "0.22"}},
        "tokenizers: None -> 0.22",
    ),
    "TF32 forced": (
        {"variables": BUILT.variables | {"NVIDIA_TF32_OVERRIDE": "1"}},
        "NVIDIA_TF32_OVERRIDE: None -> 1",
    ),
}
CANNOT_CHANGE = {
    "another patch of Python": ({"python": "3.11.9"}, "python: 3.11.7 -> 3.11.9"),
    "another processor": ({"cpu_model": "B"}, "cpu_model: A -> B"),
    "a distribution for show": (
        {"distributions": BUILT.distributions | {"rich": "15.0"}},
        "rich: 14.0 -> 15.0",
    ),
    "a distribution that went": (
        {"distributions": {"torch": "2.13.0", "numpy": "2.3.0"}},
        "rich: 14.0 -> None",
    ),
    "a number of threads that is set here": (
        {"variables": {"OMP_NUM_THREADS": "8"}},
        "OMP_NUM_THREADS: 2 -> 8",
    ),
}


def running(**changed: object) -> Environment:
    return msgspec.structs.replace(BUILT, **changed)


def test_the_same_environment_differs_in_nothing() -> None:
    assert compared(BUILT, BUILT) == Differences([], [])


@pytest.mark.parametrize("case", CAN_CHANGE)
def test_what_can_change_results(case: str) -> None:
    changed, line = CAN_CHANGE[case]
    assert compared(BUILT, running(**changed)) == Differences([line], [])
    assert differences(BUILT, running(**changed)) == [line]


@pytest.mark.parametrize("case", CANNOT_CHANGE)
def test_what_cannot_change_results(case: str) -> None:
    changed, line = CANNOT_CHANGE[case]
    assert compared(BUILT, running(**changed)) == Differences([], [line])
    assert differences(BUILT, running(**changed)) == []


def test_a_trainer_s_own_release_counts_where_a_command_trains() -> None:
    new = running(distributions={**BUILT.distributions, "trl": "1.17.0"})
    old = running(distributions={**BUILT.distributions, "trl": "1.16.0"})
    assert differences(old, new) == []
    assert differences(old, new, own_trainer=True) == ["trl: 1.16.0 -> 1.17.0"]
    assert result_bearing(old) == result_bearing(new)
    assert result_bearing(old, own_trainer=True) != result_bearing(new, own_trainer=True)


def test_on_a_gpu_the_processor_s_instructions_cannot_change_results() -> None:
    gpu = running(device="H200", cuda="13.0")
    other = msgspec.structs.replace(gpu, cpu_capability="AVX512", threads=8)
    lines = ["cpu_capability: AVX2 -> AVX512", "threads: 2 -> 8"]
    assert compared(gpu, other) == Differences([], lines)


def test_a_lock_that_gives_what_is_installed_has_no_gap() -> None:
    locked = {"torch": "2.13", "numpy": None, "rich": "14.0"}
    assert lock_gaps(locked, BUILT.distributions) == []


def test_a_lock_s_gaps_name_every_distribution() -> None:
    locked = {"torch": "2.12.0", "absent": "1.0", "anything": None, "rich": "14"}
    assert lock_gaps(locked, BUILT.distributions) == [
        "locked and not installed: absent 1.0, anything",
        "locked in another version: torch 2.12.0 (2.13.0 is installed)",
        "installed and not locked: numpy 2.3.0",
    ]


def test_the_build_of_a_distribution_is_part_of_its_version() -> None:
    assert lock_gaps({"torch": "2.13.0+cpu", "numpy": None}, BUILT.distributions) == [
        "locked in another version: torch 2.13.0+cpu (2.13.0 is installed)"
    ]
