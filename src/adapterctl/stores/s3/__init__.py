"""The door to S3, and to stores that speak as it does: objects, their versions, what deletes them.

Where and as whom is found as boto3 finds it (``AWS_ENDPOINT_URL_S3``, ``AWS_PROFILE``, ...);
nothing of it is written down.

- `store`: `S3Store`, what jobs see of objects; `prefix`: objects below an address, as a folder;
  `versions`: what came after one version of an object.
- `data`: data that stay in their bucket, pinned by version id and read through a copy.
- `access`: a client with short time limits, and boto3's errors made ours.
"""

from __future__ import annotations

from adapterctl.stores.s3.access import CONNECTIONS, Access
from adapterctl.stores.s3.data import BucketData
from adapterctl.stores.s3.prefix import fetch_prefix, mirror_folder
from adapterctl.stores.s3.store import Fetched, Head, S3Store
from adapterctl.stores.s3.versions import Succeeded, succeeded

__all__ = [
    "CONNECTIONS",
    "Access",
    "BucketData",
    "Fetched",
    "Head",
    "S3Store",
    "Succeeded",
    "fetch_prefix",
    "mirror_folder",
    "succeeded",
]
