"""The door to safetensors files: what weights are, told by their bytes and nothing else.

Reads the format itself, so that a fingerprint needs neither torch nor the safetensors library.

- `identity`: a base's fingerprint and digests, an adapter's weights and config digest.
- `folder`: which files of a base's folder hold its weights.
- `hashing`: the digest of every tensor, on all cores, remembered by file identity.
- `layout`: a file's header, and whether it can be true.
- `whole_files`: digests of a base's files, to compare with what the Hub lists.
"""

from __future__ import annotations

from adapterctl.stores.safetensors.hashing import Progress, TensorDigest
from adapterctl.stores.safetensors.identity import (
    config_digest,
    float_digests,
    identify,
    tensor_digests,
    tensor_lines,
    weights_digest,
)
from adapterctl.stores.safetensors.whole_files import whole_files

__all__ = [
    "Progress",
    "TensorDigest",
    "config_digest",
    "float_digests",
    "identify",
    "tensor_digests",
    "tensor_lines",
    "weights_digest",
    "whole_files",
]
