from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from adapterctl.errors import InvalidInput
from adapterctl.training.determinism import VARIABLES, cores, environment, resolve_device, strict


def test_everything_is_put_back() -> None:
    def state() -> tuple[object, ...]:
        return (
            torch.get_num_threads(),
            torch.are_deterministic_algorithms_enabled(),
            torch.get_float32_matmul_precision(),
            torch.utils.deterministic.fill_uninitialized_memory,
            torch.get_rng_state().tolist(),
        )

    before = state()
    with strict("cpu", threads=3):
        assert torch.get_num_threads() == 3
        assert torch.are_deterministic_algorithms_enabled()
        assert not torch.is_deterministic_algorithms_warn_only_enabled()
        torch.manual_seed(1)
        torch.rand(3)
    assert state() == before


def test_everything_is_put_back_after_an_error() -> None:
    threads = torch.get_num_threads()
    with pytest.raises(ZeroDivisionError), strict("cpu", threads=threads + 1):
        _ = 1 / 0
    assert torch.get_num_threads() == threads
    assert not torch.are_deterministic_algorithms_enabled()


def cuda_settings() -> dict[str, object]:
    return {
        "deterministic": torch.are_deterministic_algorithms_enabled(),
        "cudnn": torch.backends.cudnn.enabled,
        "cudnn deterministic": torch.backends.cudnn.deterministic,
        "cudnn search": torch.backends.cudnn.benchmark,
        "cudnn tf32": torch.backends.cudnn.allow_tf32,
        "cudnn attention": torch.backends.cuda.cudnn_sdp_enabled(),
        "tf32": torch.backends.cuda.matmul.allow_tf32,
        "bf16 sums": torch.backends.cuda.matmul.allow_bf16_reduced_precision_reduction,
    }


def test_on_a_gpu_every_switch_that_moves_bits_is_set_and_put_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("CUBLAS_WORKSPACE_CONFIG", raising=False)
    monkeypatch.setenv("CUDA_LAUNCH_BLOCKING", "")
    before = cuda_settings()
    with strict("cuda", threads=1):
        assert os.environ["CUBLAS_WORKSPACE_CONFIG"] == ":4096:8"
        assert os.environ["CUDA_LAUNCH_BLOCKING"] == "", "waiting for each kernel is slow"
        assert cuda_settings() == {
            "deterministic": True,
            "cudnn": True,
            "cudnn deterministic": True,
            "cudnn search": False,
            "cudnn tf32": False,
            "cudnn attention": False,
            "tf32": False,
            "bf16 sums": True,
        }
    assert cuda_settings() == before


def test_choosing_a_gpu_fixes_the_workspace_before_anything_asks_for_its_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("CUBLAS_WORKSPACE_CONFIG", raising=False)
    assert resolve_device("cpu") == "cpu"
    assert "CUBLAS_WORKSPACE_CONFIG" not in os.environ
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert resolve_device("auto") == "cuda"
    assert os.environ["CUBLAS_WORKSPACE_CONFIG"] == ":4096:8"


def test_a_workspace_of_one_s_own_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", ":16:8")
    with strict("cuda", threads=1):
        assert os.environ["CUBLAS_WORKSPACE_CONFIG"] == ":16:8"


def test_the_number_of_threads_moves_the_last_bit() -> None:
    # Why it is fixed and recorded. If this ever fails, `determinism` may say less.
    def grad() -> torch.Tensor:
        generator = torch.Generator().manual_seed(0)
        scores = torch.randn(16, 2, 19, 19, generator=generator)
        upstream = torch.randn(16, 2, 19, 19, generator=generator)
        shares = torch.softmax(scores, -1)
        return torch.ops.aten._softmax_backward_data(upstream, shares, -1, torch.float32)

    found = []
    for threads in (1, 2):
        with strict("cpu", threads=threads):
            found.append(grad())
    if torch.backends.cpu.get_cpu_capability() != "AVX512":
        pytest.skip("seen with AVX512 only")
    assert not torch.equal(*found)
    torch.testing.assert_close(*found)


@pytest.mark.parametrize("threads", [1, 7])
def test_the_core_count_does_not_listen_to_omp_num_threads(
    threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected, before = cores(), torch.get_num_threads()
    assert 1 <= expected <= (os.cpu_count() or 1)
    monkeypatch.setenv("OMP_NUM_THREADS", str(threads))
    torch.set_num_threads(threads)  # what torch makes of the variable when it is imported
    try:
        assert cores() == expected
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize(("told", "found"), [(None, "passive"), ("active", "active")])
def test_waiting_threads_sleep_unless_told_otherwise(told: str | None, found: str) -> None:
    code = "import adapterctl.training, os; print(os.environ['OMP_WAIT_POLICY'])"
    kept = {name: value for name, value in os.environ.items() if name != "OMP_WAIT_POLICY"}
    answer = subprocess.run(
        [sys.executable, "-c", code],
        env=kept | ({"OMP_WAIT_POLICY": told} if told else {}),
        capture_output=True,
        text=True,
        check=True,
    )
    assert answer.stdout.strip() == found


@pytest.mark.parametrize("wanted", ["auto", "cpu"])
def test_without_a_gpu_everything_runs_on_the_cpu(wanted: str) -> None:
    if torch.cuda.is_available():
        pytest.skip("there is a GPU")
    assert resolve_device(wanted) == "cpu"


def test_a_gpu_that_is_not_there_is_refused() -> None:
    if torch.cuda.is_available():
        pytest.skip("there is a GPU")
    with pytest.raises(InvalidInput) as caught:
        resolve_device("cuda")
    assert str(caught.value) == (
        "--device: torch sees no GPU\n"
        "  hint: use --device cpu, or install a torch built for CUDA and a driver for it"
    )


def test_an_unknown_device_is_refused() -> None:
    with pytest.raises(InvalidInput) as caught:
        resolve_device("gpu")
    assert str(caught.value) == "--device: no such device: 'gpu'\n  hint: auto, cpu or cuda"


def test_the_environment_tells_what_bounds_the_claim() -> None:
    found = environment("cpu", threads=2)
    assert found.cpu_capability == torch.backends.cpu.get_cpu_capability()
    assert (found.threads, found.device, found.cuda, found.driver) == (2, "cpu", None, None)
    assert found.deterministic
    assert found.python == sys.version.split()[0]
    assert found.distributions["torch"] == torch.__version__
    assert "huggingface-hub" in found.distributions
    assert found.cpu_model
    assert found.platform == found.platform.lower()


def test_variables_are_recorded_by_allow_list_only(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PYTHONHASHSEED", "5")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    assert environment("cpu", threads=1).variables == {"PYTHONHASHSEED": "5"}


def test_a_recorded_variable_keeps_no_credential(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "https://me:s3cret@mirror.example/hub?token=abc&v=1")
    monkeypatch.setenv("HF_TOKEN", "s3cret")
    kept = environment("cpu", threads=1).variables
    assert kept["HF_ENDPOINT"] == "https://mirror.example/hub?token=REDACTED&v=1"
    assert "s3cret" not in str(kept)


def test_of_two_distributions_with_one_name_the_imported_one_is_recorded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder, version in (("first", "1.0"), ("second", "2.0")):
        info = tmp_path / folder / f"gravel-{version}.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: gravel\nVersion: {version}\n")
    monkeypatch.setattr(sys, "path", [str(tmp_path / "first"), str(tmp_path / "second"), *sys.path])
    assert environment("cpu", threads=1).distributions["gravel"] == "1.0"
