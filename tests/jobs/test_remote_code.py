"""Code beside a base's weights runs only where the recipe trusts it, and is pinned with them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from support.projects import command, commit, copied, edit, make_project

OWN_CONFIG = """\
from transformers import BertConfig


class OwnConfig(BertConfig):
    model_type = "own-bert"
"""
OWN_BERT = """\
from transformers import BertForSequenceClassification

from .configuration_own import OwnConfig


class OwnBertForSequenceClassification(BertForSequenceClassification):
    config_class = OwnConfig
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    """A project whose old base is of an architecture that only its own code knows."""
    root = make_project(tmp_path_factory.mktemp("remote-code"))
    base = root.parent / "bases" / "old"
    config = json.loads((base / "config.json").read_text())
    config |= {
        "model_type": "own-bert",
        "architectures": ["OwnBertForSequenceClassification"],
        "auto_map": {
            "AutoConfig": "configuration_own.OwnConfig",
            "AutoModelForSequenceClassification": "modeling_own.OwnBertForSequenceClassification",
        },
    }
    (base / "config.json").write_text(json.dumps(config))
    (base / "configuration_own.py").write_text(OWN_CONFIG)
    (base / "modeling_own.py").write_text(OWN_BERT)
    edit(root / "registry" / "adapters" / "router" / "recipe.yaml", "base: old-base", "base: own")
    assert command(root, "bases", "add", "own", "--path", str(base)) == 0
    commit(root)
    return root


@pytest.fixture
def project(made, tmp_path) -> Path:
    return copied(made, tmp_path)


def recipe(root: Path) -> Path:
    return root / "registry" / "adapters" / "router" / "recipe.yaml"


def trust(root: Path) -> None:
    with recipe(root).open("a") as file:
        file.write("trust_remote_code: true\n")
    commit(root)


def test_code_beside_the_weights_does_not_run_by_itself(project, capsys):
    assert command(project, "register", str(recipe(project))) == 3
    assert "trust_remote_code" in capsys.readouterr().err


def test_trusted_code_runs_and_is_a_finding_from_then_on(project, capsys):
    trust(project)
    assert command(project, "register", str(recipe(project))) == 0
    said = capsys.readouterr().err
    assert "CODE005 code in the folder of own runs with it" in said
    assert command(project, "show", "router") == 0
    assert "CODE005" in capsys.readouterr().out
    assert command(project, "audit", "--offline", "--format", "json") == 0
    codes = {each["code"] for each in json.loads(capsys.readouterr().out)["results"]}
    assert "CODE005" in codes
    assert command(project, "reproduce", "router") == 0


def test_code_that_changed_beside_the_same_weights_is_refused(project, made, capsys):
    trust(project)
    code = made.parent / "bases" / "old" / "modeling_own.py"
    before = code.read_text()
    code.write_text(before + "\nprint('somebody else was here')\n")
    try:
        assert command(project, "register", str(recipe(project))) == 3
    finally:
        code.write_text(before)
    assert "the code beside the weights of base 'own' changed" in capsys.readouterr().err


def test_trust_without_any_code_to_trust_is_refused(project, capsys):
    edit(recipe(project), "base: own", "base: old-base")
    trust(project)
    entry = project / "registry" / "bases" / "old-base.yaml"
    assert "code:" not in entry.read_text()
    assert command(project, "register", str(recipe(project))) == 3
    assert "no code beside the weights of base 'old-base' is known" in capsys.readouterr().err
