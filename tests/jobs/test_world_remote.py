"""What versions pin is looked for in the DVC remote: a folder, asked without importing DVC."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest

from adapterctl.records.version import DatasetPin
from support.worlds import ADAPTER, SUBJECT, WEIGHTS, Place, at, md5, only, skips, told

pytest.importorskip("dvc")


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_what_is_all_there_is_no_finding_and_said_to_have_been_asked(place: Place) -> None:
    place.serve()
    answer = place.ask()
    assert (answer.findings, answer.skipped) == ([], [])
    assert answer.asked == ["the DVC remote", "the sources and mirrors of 1 base"]


def test_data_and_files_of_the_version_that_are_gone_are_named(place: Place) -> None:
    place.serve()
    at(place.remote, md5(b'{"text": "b"}\n')).unlink()
    at(place.remote, md5(b"weights")).unlink()
    found = only(place.ask())
    assert (found.code, found.severity, found.subject) == ("DATA001", "critical", SUBJECT)
    assert found.message == f"not in remote 'storage' any more: data/gold.jsonl, {WEIGHTS}"
    assert found.owners == ["support-ml", "platform-ml"]
    assert found.mend == (
        "dvc push from where its files still are, or restore the remote from a copy"
    )


def test_a_folder_whose_list_of_files_is_gone_is_gone(place: Place) -> None:
    record = place.serve()
    at(place.remote, record.artifacts.md5).unlink()
    message = "not in remote 'storage' any more: its folder of weights, code and predictions"
    assert told(place.ask()) == [("DATA001", message)]


def test_a_file_cut_short_is_there_and_wrong(place: Place) -> None:
    place.serve()
    at(place.remote, md5(b'{"text": "a"}\n')).write_bytes(b'{"te')
    message = "in remote 'storage': data/train.jsonl has 4 B, pinned were 14 B"
    assert told(place.ask()) == [("DATA002", message)]


def test_a_damaged_list_of_files_is_wrong_and_its_files_are_not_guessed(place: Place) -> None:
    record = place.serve()
    at(place.remote, record.artifacts.md5).write_bytes(b"[]")
    [(code, message)] = told(place.ask())
    assert code == "DATA002"
    assert message.endswith("the list of files of its folder of weights, code and predictions has "
                            "other bytes")  # fmt: skip


def test_a_folder_of_data_is_looked_for_file_by_file(place: Place) -> None:
    kept = place.bytes.folder({"a.jsonl": b"1\n", "b.jsonl": b"2\n"})
    pin = DatasetPin(path="data/train", md5=kept.md5, sha256="0" * 64, size=4, files=kept.files)
    place.serve(train=pin)
    assert told(place.ask()) == []
    at(place.remote, md5(b"2\n")).unlink()
    message = "not in remote 'storage' any more: data/train/b.jsonl"
    assert told(place.ask()) == [("DATA001", message)]


def test_data_that_were_removed_on_purpose_are_not_missed_and_weights_are(place: Place) -> None:
    place.serve()
    place.event(ADAPTER, "data_removed", 1)
    for text in "abc":
        at(place.remote, md5(f'{{"text": "{text}"}}\n'.encode())).unlink()
    assert told(place.ask()) == []
    at(place.remote, md5(b"weights")).unlink()
    assert [code for code, _ in told(place.ask())] == ["DATA001"]


def test_an_adopted_version_is_looked_for_too(place: Place) -> None:
    place.adopted("found", artifacts=place.bytes.folder({WEIGHTS: b"weights"}))
    place.bytes.into(place.remote)
    lost = [each for each in place.ask().findings if each.code == "DATA001"]
    assert lost == []
    at(place.remote, md5(b"weights")).unlink()
    lost = [each for each in place.ask().findings if each.code == "DATA001"]
    assert [each.subject for each in lost] == ["adapter:found@1"]


def test_a_remote_that_is_not_mounted_is_one_skip_and_no_loss(place: Place) -> None:
    place.serve()
    place.adapter("other")
    place.config(url="/mnt/elsewhere/storage")
    answer = place.ask()
    assert answer.findings == []
    assert skips(answer)["the DVC remote"] == (
        "remote 'storage': the folder of the remote is not there: /mnt/elsewhere/storage"
    )
    assert answer.asked == ["the sources and mirrors of 1 base"]


def test_without_a_remote_or_without_dvc_it_is_said(place: Place) -> None:
    place.serve()
    (place.root / ".dvc" / "config").write_text("")
    assert skips(place.ask()) == {"the DVC remote": "none is configured"}
    (place.root / ".dvc" / "config").unlink()
    (place.root / ".dvc").rmdir()
    reason = "no DVC repository here, and so no remote"
    assert skips(place.ask()) == {"the DVC remote": reason}


def test_a_thousand_pins_are_one_question_of_milliseconds(place: Place) -> None:
    recipe = place.recipe(ADAPTER)
    for number in range(250):
        files = {WEIGHTS: f"weights {number}".encode(), "adapter/adapter_config.json": b"{}"}
        pin = place.bytes.file(f"data/{number}.jsonl", f"{number}\n".encode())
        kept = place.bytes.folder(files)
        place.version(recipe, train=pin, evaluation={}, selection=None, artifacts=kept)
    place.bytes.into(place.remote)
    from adapterctl.stores.dvc import DvcStore

    store = DvcStore(place.root)
    remote = store.configured()
    assert remote is not None
    wanted = list(place.bytes.objects)
    start = time.perf_counter()
    held = store.held(remote, wanted)
    assert time.perf_counter() - start < 0.5
    assert held.sizes == {name: len(content) for name, content in place.bytes.objects.items()}


def test_a_folder_is_asked_without_the_weight_of_dvc(place: Place) -> None:
    import subprocess

    place.serve()
    code = (
        "import sys; from adapterctl.cli import run; "
        f"run(['--project', {str(place.root)!r}, 'audit', '--as-of', '2026-11-23']); "
        "print(sorted({'dvc.repo', 'dvc_data', 'boto3', 'torch'} & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
    assert "Asked: the DVC remote" in done.stdout
