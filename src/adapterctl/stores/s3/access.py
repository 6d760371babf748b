"""A client for S3 that gives up in seconds, and boto3's errors made ours.

boto3 is imported inside the functions, so that importing this module costs nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from adapterctl.errors import AdapterctlError, MissingExtra, NotFound, Unreachable

CONNECT_SECONDS = 4
READ_SECONDS = 30
ATTEMPTS = 2
"""An unreachable store is said to be one after two attempts, not after boto3's five minutes."""

CONNECTIONS = 16
"""So many requests are under way at a time; boto3 would keep ten connections, and complain."""

_NO_BUCKET = {"NoSuchBucket"}
_NO_OBJECT = {"NoSuchKey", "404", "405", "MethodNotAllowed"}
_NO_VERSION = {"NoSuchVersion", *_NO_OBJECT}
_DENIED = {"AccessDenied", "AllAccessDisabled", "403", "Forbidden"}
_NOT_KNOWN = {"InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken", "InvalidToken"}


@dataclass(frozen=True, kw_only=True)
class Access:
    """Where S3 is and who asks, where that is not left to boto3's own search.

    Attributes:
        endpoint: URL of a store that is not AWS.
        verify: whether its certificate is checked, or the file of authorities to check against.
        seconds: the longest that one request is waited for, once; ``None`` is as usual.
    """

    endpoint: str | None = None
    region: str | None = None
    profile: str | None = None
    verify: bool | str | None = None
    seconds: float | None = None
    key: str | None = field(default=None, repr=False)
    secret: str | None = field(default=None, repr=False)
    token: str | None = field(default=None, repr=False)


def connect(access: Access) -> Any:
    """Returns boto3's client; nothing is asked of the network yet.

    Raises:
        MissingExtra: boto3 is not installed.
        AdapterctlError: no such profile, or an endpoint that is no URL.
    """
    try:
        import boto3
        from botocore.config import Config
    except ModuleNotFoundError:
        raise MissingExtra("s3", needed_for="what lies in S3") from None
    with translated("AWS configuration"):
        session = boto3.Session(
            aws_access_key_id=access.key,
            aws_secret_access_key=access.secret,
            aws_session_token=access.token,
            profile_name=access.profile,
            region_name=access.region,
        )
        limits = Config(
            connect_timeout=min(CONNECT_SECONDS, access.seconds or CONNECT_SECONDS),
            read_timeout=access.seconds or READ_SECONDS,
            retries={"total_max_attempts": 1 if access.seconds else ATTEMPTS, "mode": "standard"},
            max_pool_connections=CONNECTIONS,
        )
        return session.client(
            "s3", endpoint_url=access.endpoint, verify=access.verify, config=limits
        )


@contextmanager
def translated(place: str, *, version: str | None = None) -> Iterator[None]:
    """Makes boto3's errors ours.

    Args:
        place: the address that is asked for.
        version: the version id that is asked for.

    Raises:
        NotFound: no such bucket, object or version.
        Unreachable: the store does not answer.
        AdapterctlError: no credentials, or they do not suffice, or S3 refuses for another reason.
    """
    from botocore import exceptions as boto

    try:
        yield
    except boto.ClientError as error:
        raise _refused(error.response, place, version=version) from error
    except (
        boto.NoCredentialsError,
        boto.PartialCredentialsError,
        boto.CredentialRetrievalError,
        boto.ProfileNotFound,
        boto.SSOError,
    ) as error:
        raise AdapterctlError(
            f"no credentials for S3: {error}",
            place=place,
            hint="set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
        ) from error
    except (boto.ConnectionError, boto.HTTPClientError, boto.IncompleteReadError) as error:
        raise Unreachable(
            f"S3 does not answer: {error}",
            place=place,
            hint="look at the network, and at AWS_ENDPOINT_URL for a store that is not AWS",
        ) from error
    except (boto.BotoCoreError, ValueError) as error:
        raise AdapterctlError(f"S3: {error}", place=place) from error


def _refused(response: Any, place: str, *, version: str | None) -> AdapterctlError:
    code = str(response["Error"].get("Code", ""))
    said = str(response["Error"].get("Message", "")).rstrip(".")
    if code in _NO_BUCKET:
        return no_bucket(place)
    if version is not None and code in _NO_VERSION:
        return NotFound(
            f"version {version} of it is gone",
            place=place,
            hint="restore it from a copy; a version that S3 has deleted does not come back",
        )
    if code in _NO_OBJECT:
        return NotFound("no such object", place=place, hint="correct the address")
    if code in _DENIED:
        return AdapterctlError(
            "access denied", place=place, hint="ask the bucket's owner, or set AWS_PROFILE"
        )
    if code in _NOT_KNOWN:
        return AdapterctlError(
            f"S3 does not accept the credentials: {said}", place=place, hint="renew them"
        )
    return AdapterctlError(f"S3 refuses: {code}: {said}", place=place)


def no_bucket(place: str) -> NotFound:
    """Returns the error for a bucket that is not there."""
    return NotFound(
        "no such bucket",
        place=place,
        hint="correct it, or set AWS_ENDPOINT_URL for a store that is not AWS",
    )
