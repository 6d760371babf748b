"""The small Python API: typed records, lazily imported."""

from __future__ import annotations

import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

import adapterctl
from adapterctl.errors import Mismatch, NotFound
from adapterctl.rules.findings import Audit
from support.registries import a_story

DAY = date(2026, 11, 23)


def test_audit_list_and_show_give_typed_records(tmp_path: Path) -> None:
    a_story(tmp_path)
    audit = adapterctl.audit(tmp_path, as_of=DAY)
    listing = adapterctl.list(tmp_path, as_of=DAY)
    assert isinstance(audit, Audit)
    assert audit.findings and listing.lines
    first = listing.lines[0]
    assert adapterctl.show(first.adapter, tmp_path, as_of=DAY).record.adapter == first.adapter


def test_a_folder_that_is_no_project_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="not an adapterctl project"):
        adapterctl.audit(tmp_path, as_of=DAY)


def test_the_package_imports_nothing_until_it_is_used() -> None:
    code = "import sys, adapterctl; print(sorted(m for m in sys.modules if 'adapterctl' in m))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['adapterctl']"
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        adapterctl.nothing  # noqa: B018


def test_load_gives_the_adapter_on_its_base(registered: Path) -> None:
    loaded = adapterctl.load("router@champion", registered, device="cpu")
    words = loaded.tokenizer("my password is locked", return_tensors="pt")
    assert loaded.model(**words).logits.shape == (1, 3)


def test_load_refuses_another_base(registered: Path, clone) -> None:
    import shutil

    from support.tiny_bases import tiny_bert

    root = clone()
    other = tiny_bert(root.parent / "other", seed=9)
    entry = root / "registry" / "bases" / "old-base.yaml"
    old = str(registered.parent / "bases" / "old")
    assert old in entry.read_text()
    entry.write_text(entry.read_text().replace(old, str(other)))
    with pytest.raises(Mismatch, match="the weights of base 'old-base' changed"):
        adapterctl.load("router@1", root, device="cpu")
    shutil.rmtree(other)
