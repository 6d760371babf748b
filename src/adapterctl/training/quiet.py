"""Silence for what transformers prints and reports while it loads."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from transformers.utils import logging


@contextmanager
def quiet() -> Iterator[None]:
    """Turns off transformers' progress bars and warnings, and restores both.

    Its report of missing and unexpected weights is such a warning: whoever loads in here judges
    the loading info instead.
    """
    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        with warnings.catch_warnings():
            # PEFT 0.21 reads this old name of transformers; nobody here can change it.
            warnings.filterwarnings("ignore", message=r"`is_gradient_checkpointing`")
            yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()
