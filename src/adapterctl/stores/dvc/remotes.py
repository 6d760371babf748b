"""Remotes: what DVC's configuration says of one, and what its silence means."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from adapterctl.errors import AdapterctlError, NotFound, Unreachable

CONNECT_SECONDS = 5


@dataclass(frozen=True, kw_only=True)
class Remote:
    """A remote as it is configured; ``options`` may hold credentials, and are not shown."""

    name: str
    url: str
    options: dict[str, Any] = field(default_factory=dict, repr=False)

    @property
    def keeps_versions(self) -> bool:
        """Whether it keeps files under their names, in versions, instead of objects."""
        return bool(self.options.get("version_aware") or self.options.get("worktree"))


def configured(root: Path, name: str | None) -> Remote | None:
    """Returns a remote, the default one without ``name``; ``None`` where there is no such one.

    Raises:
        AdapterctlError: DVC cannot read its configuration.
    """
    from dvc.config import Config, ConfigError

    try:
        config = Config(dvc_dir=str(root / ".dvc"))
    except ConfigError as error:
        raise AdapterctlError(f"DVC: {error}", place=str(root)) from error
    wanted = name or config["core"].get("remote")
    options = dict(config["remote"].get(wanted) or {})
    return Remote(name=wanted, url=options["url"], options=options) if "url" in options else None


def give_up_early(config: Any) -> None:
    """Has DVC give up connecting to S3 after seconds, where the project sets no time of its own.

    Changes the configuration in memory alone: boto's own limit is a minute, five times over.
    """
    for options in config["remote"].values():
        if str(options.get("url", "")).startswith("s3://"):
            options.setdefault("connect_timeout", CONNECT_SECONDS)


def boto_errors() -> tuple[type[Exception], ...]:
    """Returns what DVC lets through of boto's errors; nothing where boto is not installed."""
    try:
        from botocore.exceptions import BotoCoreError, ClientError
    except ModuleNotFoundError:
        return ()
    return BotoCoreError, ClientError


def unanswered(error: Exception) -> AdapterctlError:
    """Returns the error for a remote that does not answer, or not as it should.

    s3fs gives S3's refusals as errors of the file system, with words and without a number.
    """
    place, kind = "the DVC remote", type(error).__name__
    if isinstance(error, PermissionError):
        return AdapterctlError(
            f"access denied: {error}",
            place=place,
            hint="ask the bucket's owner, or set AWS_PROFILE",
        )
    if isinstance(error, FileNotFoundError):
        return NotFound(str(error), place=place, hint="correct it: dvc remote modify")
    if "Credential" in kind or "Profile" in kind:
        return AdapterctlError(
            f"no credentials: {error}",
            place=place,
            hint="set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
        )
    return Unreachable(
        f"it does not answer: {error}", place=place, hint="look at the network, and at dvc remote"
    )
