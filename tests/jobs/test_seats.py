"""Trainer commands side by side, each in its seat, and beside the builtin trainer in a fleet."""

from __future__ import annotations

import hashlib
import os
import signal
import threading
import time
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from adapterctl.errors import AdapterctlError
from adapterctl.jobs.building import Build, Built
from adapterctl.jobs.executors.here import Here
from adapterctl.jobs.executors.job_folder import lay_out
from adapterctl.jobs.executors.job_run import run_jobs
from adapterctl.jobs.executors.seats import gpu_seats, seated
from adapterctl.jobs.trainers.command_training import Seat
from adapterctl.records.recipe import Command
from adapterctl.records.version import FilePin
from adapterctl.stores.processes import stream
from support.builds import build, bytes_of, surroundings
from support.tiny_bases import tiny_bert

TRAIN = """\
import json, sys
import numpy
from safetensors.numpy import save_file

told = json.load(open(sys.argv[1]))
out = told["paths"]["out"]
drawn = numpy.random.default_rng(told["recipe"]["training"]["seed"])
shapes = {"A": (4, 32), "B": (32, 4)}
save_file(
    {
        f"base_model.model.{name}.lora_{part}.weight": drawn.standard_normal(shape, "float32")
        for name in told["target_modules"]
        for part, shape in shapes.items()
    },
    out + "/adapter_model.safetensors",
)
config = {"peft_type": "LORA", "r": 4, "lora_alpha": 8, "target_modules": ["query"]}
json.dump(config, open(out + "/adapter_config.json", "w"))
if told["recipe"]["adapter"] == "failing":
    sys.exit("no luck today")
"""


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_bert(tmp_path_factory.mktemp("bases") / "bert")


def commanded(folder: Path, base: Path, name: str) -> Build:
    folder.mkdir(exist_ok=True)
    made = build(folder, base, name, lora={"target_modules": ["query"]})
    (folder / "train.py").write_text(TRAIN)
    digest = hashlib.sha256(TRAIN.encode()).hexdigest()
    pin = FilePin(path="train.py", sha256=digest, size=len(TRAIN))
    recipe = msgspec.structs.replace(
        made.sources.recipe, trainer=Command(command="python train.py {recipe}")
    )
    return replace(made, sources=replace(made.sources, recipe=recipe, code=(pin,)))


def test_trainer_commands_are_part_of_a_fleet(base: Path, tmp_path: Path) -> None:
    builtin = build(tmp_path, base, "one")
    own = [commanded(tmp_path, base, name) for name in ("theirs", "failing", "ours")]
    theirs, stopped, one, ours = Here(processes=2).build([own[0], own[1], builtin, own[2]])
    [by_itself] = Here().build([commanded(tmp_path / "solo", base, "theirs")])
    assert bytes_of(theirs) == bytes_of(by_itself)
    assert isinstance(one, Built) and isinstance(ours, Built)
    assert isinstance(stopped, AdapterctlError) and "no luck today" in str(stopped)


def test_a_trainer_command_is_a_job_like_any_other(base: Path, tmp_path: Path) -> None:
    wanted = commanded(tmp_path, base, "theirs")
    folder = lay_out(wanted, wanted.work / "job")
    (tmp_path / "train.py").unlink()
    assert run_jobs([folder], surroundings(folder)) == [None]
    assert (folder / "capsule/adapter/adapter_model.safetensors").is_file()


def test_on_the_cpu_there_is_one_seat_unless_more_are_wished_for() -> None:
    assert gpu_seats("cpu", None) == [None]
    assert gpu_seats("cpu", 3) == [None, None, None]


def test_as_many_run_at_once_as_there_are_seats_each_on_a_gpu_of_its_own() -> None:
    busy: list[str | None] = []
    most = 0
    lock = threading.Lock()

    def train(seat: Seat) -> str:
        nonlocal most
        with lock:
            assert seat.gpu not in busy
            busy.append(seat.gpu)
            most = max(most, len(busy))
        time.sleep(0.02)
        with lock:
            busy.remove(seat.gpu)
        return seat.name

    names = [f"adapter-{number}" for number in range(6)]
    assert seated([(name, train) for name in names], ["0", "1"]) == names
    assert most == 2


def test_an_interruption_ends_every_trainer(tmp_path: Path) -> None:
    """As a scheduler's SIGTERM reaches the main thread, which waits for the others."""

    def train(seat: Seat) -> int:
        ended = stream(
            ["python", "-c", "import time; time.sleep(60)"],
            root=tmp_path,
            variables={},
            log=tmp_path / f"{seat.name}.txt",
            said=print,
            stop=seat.stop,
        )
        return ended.status

    timer = threading.Timer(0.7, os.kill, [os.getpid(), signal.SIGTERM])
    began = time.monotonic()
    timer.start()
    with pytest.raises(SystemExit) as caught:
        seated([(name, train) for name in ("one", "two", "three")], [None, None])
    assert caught.value.code == 128 + signal.SIGTERM
    assert time.monotonic() - began < 30
