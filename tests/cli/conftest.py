"""A project in the middle of its life, for commands that only read."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.commands import Commands
from support.registries import a_story


@pytest.fixture(scope="session")
def story_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of `a_story`; tests that share it write nothing into it."""
    root = tmp_path_factory.mktemp("story")
    a_story(root)
    return root


@pytest.fixture
def story(story_root: Path, capsys: pytest.CaptureFixture[str]) -> Commands:
    """Commands of the shared story."""
    return Commands(story_root, capsys)
