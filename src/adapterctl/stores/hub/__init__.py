"""The door to the Hugging Face Hub.

- `snapshots`: a branch to its commit, a commit to its folder in the cache; bases and other files.
- `listing`: which files a repository holds, with their digests and without their bytes.
- `answers`: what the Hub's refusals mean.

The cache is asked first, so that what is pinned and there needs no network. The endpoint, the
token, the cache's place and being offline are huggingface_hub's own settings (``HF_ENDPOINT``,
``HF_TOKEN``, ``HF_HOME``, ``HF_HUB_OFFLINE``). Nothing here imports it before it is used.
"""

from adapterctl.stores.hub.answers import ABOUT_ONE
from adapterctl.stores.hub.listing import Listing, listing, must_be_there
from adapterctl.stores.hub.snapshots import cached, fetch, locate, resolve

__all__ = [
    "ABOUT_ONE",
    "Listing",
    "cached",
    "fetch",
    "listing",
    "locate",
    "must_be_there",
    "resolve",
]
