"""Evidence as objects of one bucket, of anything that speaks S3."""

from __future__ import annotations

import contextlib
from collections.abc import Generator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from obstore.exceptions import AlreadyExistsError, BaseError
from obstore.store import S3Store

from yibao_face.sync.center.api import StoreDownError
from yibao_face.sync.center.store.blob.api import NoBlobError, key_of, verified, whole

if TYPE_CHECKING:
    from obstore.store import ClientConfig, S3Config

_CONNECT_S, _REQUEST_S, _RETRY_S = 3, 15, 10
_RETRIES = 3


@dataclass(frozen=True, slots=True)
class S3Place:
    """A bucket and how to reach it.

    ``endpoint``: URL, empty for that of the region. ``ca``: PEM of authorities to trust
    beside the system's, empty: none. ``conditional``: the store honours ``If-None-Match``
    on PUT; without, two who put the same blob at once both write the same bytes.
    """

    bucket: str
    prefix: str
    endpoint: str
    region: str
    key_id: str
    secret: str = field(repr=False)
    token: str = field(default="", repr=False)
    ca: str = ""
    path_style: bool = True
    conditional: bool = True


class S3Blob:
    """Repeats, with growing waits at random, what a store answers with 5xx or not at all."""

    def __init__(self, place: S3Place) -> None:
        self._conditional = place.conditional
        self._store = S3Store(
            place.bucket,
            prefix=place.prefix or None,
            config=_config(place),
            client_options=_client(place),
            retry_config={
                "max_retries": _RETRIES,
                "retry_timeout": timedelta(seconds=_RETRY_S),
            },
        )

    def put(self, sha256: str, data: bytes) -> bool:
        """See ``Blob``."""
        with _told():
            if not self._create(sha256, data):
                if self._intact(sha256):
                    return False
                self._store.put(key_of(sha256), data, use_multipart=False)
            held = self.size(sha256)
        if held != len(data):
            raise StoreDownError("the store of evidence does not hold what it has acknowledged")
        return True

    def get(self, sha256: str) -> bytes:
        """See ``Blob``."""
        with _told():
            return verified(sha256, self._read(sha256))

    def size(self, sha256: str) -> int | None:
        """See ``Blob``."""
        with _told():
            try:
                return self._store.head(key_of(sha256))["size"]
            except FileNotFoundError:
                return None

    def delete(self, sha256: str) -> None:
        """See ``Blob``."""
        # S3 itself calls it done when there was nothing; others tell.
        with _told(), contextlib.suppress(FileNotFoundError):
            self._store.delete(key_of(sha256))

    def check(self) -> None:
        """See ``Blob``. Looks into the bucket: what writing alone would show, it cannot."""
        with _told():
            try:
                self._store.list_with_delimiter("00/00")
            except FileNotFoundError as exc:
                raise StoreDownError("the store of evidence has no such bucket") from exc

    def _create(self, sha256: str, data: bytes) -> bool:
        """Whether it was written, being the first under this address."""
        if not self._conditional:
            if self.size(sha256) is not None:
                return False
            self._store.put(key_of(sha256), data, use_multipart=False)
            return True
        try:
            self._store.put(key_of(sha256), data, mode="create", use_multipart=False)
        except AlreadyExistsError:
            return False
        return True

    def _intact(self, sha256: str) -> bool:
        try:
            return whole(sha256, self._read(sha256))
        except NoBlobError:
            return False

    def _read(self, sha256: str) -> bytes:
        try:
            return bytes(self._store.get(key_of(sha256)).bytes())
        except FileNotFoundError as exc:
            raise NoBlobError("no such piece of evidence") from exc


def _config(place: S3Place) -> S3Config:
    config: S3Config = {
        "region": place.region,
        "access_key_id": place.key_id,
        "secret_access_key": place.secret,
        "virtual_hosted_style_request": not place.path_style,
        # The store compares what it got with this before it answers.
        "checksum_algorithm": "SHA256",
    }
    if place.endpoint:
        config["endpoint"] = place.endpoint
    if place.token:
        config["session_token"] = place.token
    return config


def _client(place: S3Place) -> ClientConfig:
    client: ClientConfig = {
        "connect_timeout": timedelta(seconds=_CONNECT_S),
        "timeout": timedelta(seconds=_REQUEST_S),
        "allow_http": place.endpoint.startswith("http://"),
    }
    if place.ca:
        client["root_certificate"] = place.ca
    return client


@contextlib.contextmanager
def _told() -> Generator[None, None, None]:
    """Errors of the library as ours; their texts hold addresses and are left out."""
    try:
        yield
    except (BaseError, OSError) as exc:
        raise StoreDownError(f"the store of evidence failed: {type(exc).__name__}") from exc
