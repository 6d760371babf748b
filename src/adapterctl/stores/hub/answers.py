"""What the Hub's refusals mean: gated, gone, or not told; the network, or a limit.

Without a token that may read it, a repository that was removed and one that is private get the
same 401: that answer proves nothing, and must never be reported as a removal.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from adapterctl.errors import AdapterctlError, InvalidInput, MissingExtra, NotFound, Unreachable


class _Said(NamedTuple):
    """What an answer is turned into; ``{repo}`` in the hint is the repository's name.

    What only access keeps away is unreachable, not absent: a mirror may serve in its place.
    """

    kind: type[AdapterctlError]
    what: str
    hint: str


GATED = _Said(
    Unreachable,
    "gated: the token here has no access",
    "ask for access on the page of {repo}, then hf auth login",
)
DISABLED = _Said(
    NotFound,
    "disabled: the Hub gives nobody access to it",
    "take a copy from elsewhere; the page of {repo} may say why",
)
MISSING = _Said(
    NotFound, "no such repository, or a private one", "correct the name, or hf auth login"
)
UNAUTHORIZED = _Said(
    Unreachable,
    "401: private, gated, renamed or removed; without access the Hub does not say which",
    "hf auth login with a token that may read it; this is no proof of a removal",
)
FORBIDDEN = _Said(
    Unreachable,
    "403: the token here may not read it",
    "hf auth login with a token that has the right to read it",
)
TOO_MANY = _Said(
    Unreachable,
    "429: too many requests for now",
    "wait some minutes and run it again; hf auth login raises the limit",
)

UNAUTHORIZED_STATUS = 401
BY_STATUS = {UNAUTHORIZED_STATUS: UNAUTHORIZED, 403: FORBIDDEN, 429: TOO_MANY}


ABOUT_ONE = {GATED.what, UNAUTHORIZED.what, FORBIDDEN.what}
"""What the Hub says of one repository; anything else that keeps it from telling is about all."""


@contextmanager
def answering(repo: str, revision: str, *, cached: bool = True) -> Iterator[None]:
    """Makes huggingface_hub's errors ours; the order goes from the special to the general.

    Args:
        repo: ``org/name``.
        revision: a branch, a tag or a commit.
        cached: the Hub's cache was asked, too.
    """
    try:
        from huggingface_hub import errors
    except ModuleNotFoundError:
        raise MissingExtra("train", needed_for="what lies on the Hugging Face Hub") from None
    place = f"hub:{repo}"
    try:
        yield
    except errors.HFValidationError:
        raise InvalidInput.one(
            "not a repository of the Hub", place=place, hint="write org/name@revision"
        ) from None
    except errors.RevisionNotFoundError:
        raise NotFound(
            f"no revision {revision!r}", place=place, hint="name a branch, a tag or a full commit"
        ) from None
    except (errors.LocalEntryNotFoundError, errors.HTTPError, errors.OfflineModeIsEnabled) as error:
        # Where the cache could not help, the Hub's own answer is the cause of the error.
        answer = error if isinstance(error, errors.HfHubHTTPError) else error.__cause__
        if isinstance(answer, errors.HfHubHTTPError):
            raise _refusal(answer, repo, revision, cached=cached) from None
        raise _away(answer or error, place, revision, cached=cached) from None


def _refusal(error: Any, repo: str, revision: str, *, cached: bool) -> AdapterctlError:
    """Returns what an answer of the Hub means: by its own word first, else by its status."""
    from huggingface_hub import errors

    named: dict[type[Exception], _Said] = {
        errors.GatedRepoError: GATED,
        errors.DisabledRepoError: DISABLED,
        errors.RepositoryNotFoundError: MISSING,
    }
    by_name = next((said for kind, said in named.items() if isinstance(error, kind)), None)
    status = error.response.status_code
    said = UNAUTHORIZED if by_name is MISSING and status == UNAUTHORIZED_STATUS else by_name
    said = said or BY_STATUS.get(status)
    if said is None:
        return _away(error, f"hub:{repo}", revision, cached=cached)
    return said.kind(said.what, place=f"hub:{repo}", hint=said.hint.format(repo=repo))


def _away(error: BaseException, place: str, revision: str, *, cached: bool) -> Unreachable:
    text = str(error).strip().splitlines()
    reason = text[0] if text else type(error).__name__
    if not cached:
        return Unreachable(
            f"the Hub does not answer: {reason}",
            place=place,
            hint="look at the network, and at HF_ENDPOINT and HF_HUB_OFFLINE",
        )
    return Unreachable(
        f"the Hub does not answer, and its cache has no {revision}: {reason}",
        place=place,
        hint="the first time needs the network (no HF_HUB_OFFLINE); or name a folder instead",
    )
