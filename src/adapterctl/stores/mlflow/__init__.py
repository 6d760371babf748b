"""MLflow, which shows the work: a mirror of ``registry/``, replayed from its records.

- `mirror`: `MlflowMirror`, the only writer: runs, versions, tags and aliases; `port`: what jobs
  need of it.
- `entry`: what is handed in for one version; `replay`: what of it MLflow is told, and how.
- `package`: what makes the adapter folder loadable by MLflow; `pyfunc`: loading it again.
- `models`: `RegisteredModels`, what other tools have registered, for an import.
- `door`: the client, opened quietly and without telemetry; an absent server is said quickly.

Nothing here imports MLflow before it is used.
"""

from adapterctl.stores.mlflow.entry import MirrorEntry
from adapterctl.stores.mlflow.mirror import MlflowMirror
from adapterctl.stores.mlflow.models import RegisteredModels
from adapterctl.stores.mlflow.package import Package
from adapterctl.stores.mlflow.port import Mirror
from adapterctl.stores.mlflow.pyfunc import Loaded, RawRows, load_pyfunc

__all__ = [
    "Loaded",
    "Mirror",
    "MirrorEntry",
    "MlflowMirror",
    "Package",
    "RawRows",
    "RegisteredModels",
    "load_pyfunc",
]
