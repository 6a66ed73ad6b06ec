"""What the centre says is to be trusted no longer: devices, keys, certificates, networks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any, cast

from yibao_face.daemon.trust.document import CentreKeys, DocumentError, RevokedKeyError
from yibao_face.daemon.trust.signature import Verifier

KIND = "revocation"
# With more the record of it would be too long to travel.
MAX_ENTRIES = 3000
_MAX_CHARS = 64


@dataclass(frozen=True, slots=True)
class Revoked:
    """The list in force. ``devices``: names, or key ids of their signature keys. ``keys``: ids of
    the centre's. ``certificates``: numbers (``cp_no``). ``models``: ids or SHA-256 of networks."""

    devices: frozenset[str] = frozenset()
    keys: frozenset[str] = frozenset()
    certificates: frozenset[str] = frozenset()
    models: frozenset[str] = frozenset()

    def detail(self) -> dict[str, list[str]]:
        """The lists as they stand in a record; ``parse_revocation`` reads them back."""
        return {f.name: sorted(getattr(self, f.name)) for f in fields(self)}


def parse_revocation(payload: object) -> Revoked:
    """The list in a payload; ``DocumentError`` names the key that is not understood."""
    if not isinstance(payload, dict):
        raise DocumentError("a revocation is an object of lists")
    body = cast(dict[str, Any], payload)
    names = [f.name for f in fields(Revoked)]
    unknown = sorted(body.keys() - set(names))
    if unknown:
        raise DocumentError(f"a revocation has an unknown key {unknown[0][:32]!r}")
    lists = {name: _entries(body.get(name, []), name) for name in names}
    if sum(map(len, lists.values())) > MAX_ENTRIES:
        raise DocumentError(f"a revocation lists more than {MAX_ENTRIES} things")
    return Revoked(**lists)


class TrustedKeys(Mapping[str, Verifier]):
    """The centre's keys without those revoked; opening with one says so.

    ``revoked``: ids, asked at every look. Looking one up raises ``RevokedKeyError``.
    """

    def __init__(self, keys: CentreKeys, revoked: Callable[[], frozenset[str]]) -> None:
        self._keys, self._revoked = keys, revoked

    def __getitem__(self, key_id: str) -> Verifier:
        found = self._keys[key_id]
        if key_id in self._revoked():
            raise RevokedKeyError("the document is signed with a key the centre has revoked")
        return found

    def __contains__(self, key_id: object) -> bool:
        return key_id in self._keys and key_id not in self._revoked()

    def __iter__(self) -> Iterator[str]:
        revoked = self._revoked()
        return (key_id for key_id in self._keys if key_id not in revoked)

    def __len__(self) -> int:
        return sum(1 for _ in self)


def _entries(value: object, name: str) -> frozenset[str]:
    items = cast(list[object], value) if isinstance(value, list) else [None]
    if not all(isinstance(item, str) and _is_name(item) for item in items):
        raise DocumentError(f"{name} is not a list of texts of 1 to {_MAX_CHARS} characters")
    return frozenset(map(str, items))


def _is_name(text: str) -> bool:
    return 0 < len(text) <= _MAX_CHARS and text.isascii() and text.isprintable()
