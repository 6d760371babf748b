"""The door to a directory of teams: a command, or a URL, that answers for a team with JSON."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import urllib.error
import urllib.request
from pathlib import Path
from urllib.parse import quote

from adapterctl.errors import AdapterctlError, InvalidInput, Unreachable
from adapterctl.rules.redaction import without_credentials, without_secrets

TEAM = "{team}"

UNKNOWN = b"null"
"""A directory's answer about a team that it does not know."""

LARGEST = 8 << 20


def by_command(command: str, team: str, *, root: Path, seconds: float) -> bytes:
    """Returns what a command says of a team.

    Args:
        command: its words; ``{team}`` in them stands for the team. No shell reads them.
        team: whose members are asked for.
        root: the folder that it is run in.
        seconds: the longest that it is waited for; it is killed then, with all that it started.

    Raises:
        Unreachable: it cannot be run, fails, or takes too long.
    """
    words = [word.replace(TEAM, team) for word in shlex.split(command)]
    place = words[0]
    try:
        process = subprocess.Popen(
            words,
            cwd=root,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    except OSError as error:
        raise Unreachable(f"cannot be run: {error.strerror}", place=place) from None
    try:
        out, err = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        _kill(process)
        raise Unreachable(f"no answer within {seconds:g} s", place=place) from None
    if process.returncode != 0:
        said = [line for line in err.decode(errors="replace").splitlines() if line.strip()]
        last = f": {without_secrets(said[-1].strip())}" if said else ""
        raise Unreachable(f"exit status {process.returncode}{last}", place=place)
    return out


def _kill(process: subprocess.Popen[bytes]) -> None:
    if hasattr(os, "killpg"):
        os.killpg(process.pid, signal.SIGKILL)
    else:
        process.kill()
    process.communicate()


def by_url(url: str, team: str, *, header: str | None, seconds: float) -> bytes:
    """Returns what a URL says of a team; `UNKNOWN` where it answers 404.

    Args:
        url: ``{team}`` in it stands for the team.
        team: whose members are asked for.
        header: goes with the request, as ``Authorization: Bearer ...``; it is never shown.
        seconds: the longest that one answer is waited for.

    Raises:
        InvalidInput: not a header, or no URL.
        Unreachable: it does not answer, or refuses.
    """
    place = without_credentials(url)
    try:
        request = urllib.request.Request(url.replace(TEAM, quote(team, safe="")))
        if header is not None:
            name, colon, value = header.partition(":")
            if not colon:
                raise InvalidInput.one("the header has no name", hint="NAME: VALUE", place=place)
            request.add_unredirected_header(name.strip(), value.strip())
        with urllib.request.urlopen(request, timeout=seconds) as answer:
            content: bytes = answer.read(LARGEST)
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == 404:
            return UNKNOWN
        raise AdapterctlError(f"{error.code}: {error.reason}", place=place) from None
    except (OSError, ValueError) as error:
        reason = without_secrets(str(getattr(error, "reason", error)))
        raise Unreachable(f"it does not answer: {reason}", place=place) from None
    return content
