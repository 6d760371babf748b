"""Where code stands in git, and who acts."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

import msgspec

from adapterctl.errors import AdapterctlError, Unreachable
from adapterctl.rules.redaction import redacted

TIMEOUT_SECONDS = 60.0

# Set by git for its hooks; they would point every call at the hook's repository.
_FOREIGN = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX")


class GitFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What git says of a folder; all empty outside a repository.

    Attributes:
        commit: the commit checked out; ``None`` before the first one.
        refs: branches and tags that reach the commit: remote branches first, then tags, then
            local branches.
        pushed: a branch of a remote reaches the commit, as far as was fetched or pushed here.
        remote: URL of ``origin`` or else of the first remote, without credentials.
        dirty: those of the paths asked for that are not committed as they stand.
        user_name: who commits here.
        user_email: their address.
    """

    commit: str | None = None
    refs: tuple[str, ...] = ()
    pushed: bool = False
    remote: str | None = None
    dirty: tuple[str, ...] = ()
    user_name: str | None = None
    user_email: str | None = None

    @property
    def ref(self) -> str | None:
        """The first ref that reaches the commit."""
        return self.refs[0] if self.refs else None


def facts(root: Path, paths: Sequence[str] = (), *, timeout: float = TIMEOUT_SECONDS) -> GitFacts:
    """Returns what git says of the repository around ``root``.

    Args:
        root: any folder.
        paths: files relative to ``root`` whose state is asked for.
        timeout: seconds that one call of git may take.

    Raises:
        Unreachable: git does not answer in time.
        AdapterctlError: there is a repository, and git is missing or refuses to read it.
    """
    git = _Git(root, timeout)
    if git.line("rev-parse", "--show-toplevel") is None:
        return GitFacts()
    commit = git.line("rev-parse", "--verify", "--quiet", "HEAD^{commit}")
    return GitFacts(
        commit=commit,
        refs=_refs(git) if commit else (),
        pushed=commit is not None and bool(_containing(git, "refs/remotes")),
        remote=_remote(git),
        dirty=_dirty(git, paths) if commit else tuple(sorted(paths)),
        user_name=_user(git, "name"),
        user_email=_user(git, "email"),
    )


def is_repository(root: Path) -> bool:
    """Returns whether ``root`` lies in the work tree of a git repository, and is not ignored."""
    git = _Git(root, TIMEOUT_SECONDS)
    if git.line("rev-parse", "--show-toplevel") is None:
        return False
    # check-ignore knows no literal paths: it dies of the option that every call carries.
    return git.answer("--no-literal-pathspecs", "check-ignore", "-q", ".") is None


def user(root: Path) -> str | None:
    """Returns the name that a commit made now at ``root`` would carry, if one is set."""
    return _user(_Git(root, TIMEOUT_SECONDS), "name")


def surroundings() -> dict[str, str]:
    """Returns the environment for a call of git: of no other repository, asking nobody."""
    kept = {name: value for name, value in os.environ.items() if name not in _FOREIGN}
    return {**kept, "LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0"}


class _Git:
    """Calls of git in one folder; a refusal is ``None``, being unable to answer is an error."""

    def __init__(self, root: Path, timeout: float) -> None:
        self.root = root
        self.timeout = timeout

    def line(self, *words: str) -> str | None:
        """Returns the answer's text, or ``None`` when git says no or nothing."""
        return (self.answer(*words) or "").strip() or None

    def answer(self, *words: str) -> str | None:
        """Returns the standard output, or ``None`` on an exit status other than 0."""
        try:
            done = self._run(words)
        except FileNotFoundError:
            self._must_need_no_git()
            return None
        except subprocess.TimeoutExpired:
            raise Unreachable(
                f"git {words[0]} did not answer within {self.timeout:g} s", place=str(self.root)
            ) from None
        if "dubious ownership" in done.stderr:
            raise AdapterctlError(
                "git refuses to read a repository of another user",
                place=str(self.root),
                hint=f"git config --global --add safe.directory {self.root.resolve()}",
            )
        return done.stdout if done.returncode == 0 else None

    def _run(self, words: Sequence[str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["git", "--literal-pathspecs", "--no-optional-locks", *words],
            cwd=self.root,
            env=surroundings(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="surrogateescape",
            timeout=self.timeout,
            check=False,
        )

    def _must_need_no_git(self) -> None:
        absolute = self.root.resolve()
        if not absolute.is_dir():
            raise AdapterctlError("no such folder", place=str(self.root))
        if any((folder / ".git").exists() for folder in (absolute, *absolute.parents)):
            raise AdapterctlError(
                "a git repository, and the program git is not there",
                place=str(self.root),
                hint="install git, or put it on PATH",
            )


def _refs(git: _Git) -> tuple[str, ...]:
    kinds = ("refs/remotes", "refs/tags", "refs/heads")
    return tuple(name for kind in kinds for name in _containing(git, kind))


def _containing(git: _Git, kind: str) -> list[str]:
    """Returns the refs of a kind that reach HEAD, by their short names."""
    answer = git.answer("for-each-ref", "--contains", "HEAD", "--format=%(refname)", kind)
    names = [ref.removeprefix(f"{kind}/") for ref in (answer or "").split()]
    return [name for name in names if kind != "refs/remotes" or not name.endswith("/HEAD")]


def _remote(git: _Git) -> str | None:
    names = (git.answer("remote") or "").split()
    if not names:
        return None
    url = git.line("config", "--get", f"remote.{'origin' if 'origin' in names else names[0]}.url")
    return redacted(url) if url else None


def _dirty(git: _Git, paths: Sequence[str]) -> tuple[str, ...]:
    """Returns the paths that HEAD does not hold, or holds with other content."""
    if not paths:
        return ()
    held = (git.answer("ls-tree", "-r", "-z", "--name-only", "HEAD", "--", *paths) or "").split(
        "\0"
    )
    differ = git.answer("diff", "--name-only", "--relative", "-z", "HEAD", "--", *paths)
    changed = set(paths) if differ is None else set(differ.split("\0"))
    return tuple(sorted(path for path in paths if path not in held or path in changed))


def _user(git: _Git, what: str) -> str | None:
    # git itself lets the environment win over its configuration.
    return os.environ.get(f"GIT_AUTHOR_{what.upper()}") or git.line("config", f"user.{what}")
