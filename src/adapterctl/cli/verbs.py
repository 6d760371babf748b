"""The table of verbs: where each lives, and what it says of itself in ``--help``."""

from __future__ import annotations

from typing import NamedTuple

SECTIONS = ("Start", "Register", "Audit", "Rebuild", "Release", "Read")


class Verb(NamedTuple):
    """One verb: its section, its module and its line in the help."""

    section: str
    module: str
    help: str


def _verb(section: str, name: str, help: str) -> tuple[str, Verb]:
    return name, Verb(section, f"adapterctl.cli.{name.replace('-', '_')}", help)


VERBS: dict[str, Verb] = dict(
    [
        _verb("Start", "init", "Make a new project."),
        _verb("Start", "demo", "Run the whole story on small bases built on the spot."),
        _verb("Start", "new", "Write a commented recipe to start from."),
        _verb("Start", "bases", "Declare bases and fingerprint them."),
        _verb("Register", "register", "Train (or take) an adapter and register it as a version."),
        ("import", Verb("Register", "adapterctl.cli.importing", "Adopt adapters that exist.")),
        _verb("Register", "train", "Train an adapter, as the stages of dvc.yaml call it."),
        _verb("Register", "evaluate", "Evaluate an adapter on its evaluation sets."),
        _verb("Audit", "lifecycle", "Record until when bases and services live."),
        _verb("Audit", "audit", "Say which adapters die, when, and by when work must start."),
        _verb("Audit", "report", "Write the audit as a static page, with one more per adapter."),
        _verb("Audit", "verify", "Check every pin of an adapter against the world."),
        _verb("Audit", "waive", "Accept findings until a date, for a reason."),
        _verb("Rebuild", "plan", "Show what a rebuild would change, and what blocks it."),
        _verb("Rebuild", "bakeoff", "Train a while on each candidate successor, and rank them."),
        _verb("Rebuild", "rebuild", "Rebuild on a successor base, with a parity report."),
        _verb("Rebuild", "build", "Build what a job's folder asks for, wherever it was sent."),
        _verb("Rebuild", "campaign", "Show how far all adapters on a base have moved off it."),
        _verb("Rebuild", "reproduce", "Rebuild on the same base, bit for bit."),
        _verb("Rebuild", "compare", "Give the parity report of two versions."),
        _verb("Rebuild", "salvage", "Keep an adapter's answers while its base still lives."),
        _verb("Release", "promote", "Make a version the champion."),
        _verb("Release", "rollback", "Go back to the previous champion, or check that one could."),
        _verb("Release", "forget", "Record that an adapter's data were removed lawfully."),
        _verb("Release", "retire", "End an adapter's service."),
        _verb("Release", "pull", "Fetch the verified adapter folder, for serving."),
        _verb("Release", "sync", "Bring MLflow in line with the registry."),
        _verb("Read", "list", "List adapters with base, grade, rebuild-by and slack."),
        _verb("Read", "show", "Show one adapter version with everything pinned."),
        _verb("Read", "history", "Show what happened to an adapter."),
        _verb("Read", "diff", "Say what changed between two versions."),
        _verb("Read", "whatis", "Name a stray safetensors file by its content."),
    ]
)
