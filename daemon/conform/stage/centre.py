"""A throw-away centre: signs the policies of a stage, and spoils them where a case asks for it."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable, Mapping
from typing import Any

from yibao_face.daemon.trust.document import keys_text, sign_document
from yibao_face.daemon.trust.policy import KIND
from yibao_face.daemon.trust.signature import SEED_BYTES, Ed25519Signer

NO_RULES: Mapping[str, Any] = {"rules": []}


class Centre:
    """One key pair and versions that only rise. ``hand_over``: puts a file into the inbox."""

    def __init__(self, hand_over: Callable[[bytes], None]) -> None:
        self._signer, self._hand_over = _signer(), hand_over
        # Above whatever an earlier centre had accepted on the same data folder.
        self._version = time.time_ns() // 1_000_000_000
        self._in_force: Mapping[str, Any] | None = None

    @property
    def keys(self) -> bytes:
        """The file of the centre's keys."""
        return keys_text([self._signer]).encode()

    def decree(self, payload: Mapping[str, Any], fault: str) -> None:
        """Hand over ``payload`` signed; where it is faulty, a sound one without rules before."""
        sound = NO_RULES if fault else payload
        if sound != self._in_force:
            self._version += 1
            self._hand_over(self._signed(sound))
            self._in_force = sound
        if fault:
            self._version += 2
            self._hand_over(self._faulty(payload, fault))

    def _signed(self, payload: Mapping[str, Any], signer: Ed25519Signer | None = None) -> bytes:
        text = json.dumps({"version": self._version, **payload}, ensure_ascii=False)
        return sign_document(KIND, self._version, text, signer or self._signer)

    def _faulty(self, payload: Mapping[str, Any], fault: str) -> bytes:
        match fault:
            case "not-json":
                return b"{%d" % self._version
            case "foreign-key":
                return self._signed(payload, _signer())
            case "older":
                return self._older(payload)
            case "tampered":
                strict = json.loads(json.dumps(payload).replace("false", "true"))
                return self._signed(strict).replace(b": true", b": false")
            case _:
                return json.dumps({**json.loads(self._signed(payload)), "signature": ""}).encode()

    def _older(self, payload: Mapping[str, Any]) -> bytes:
        """Genuine, but of a version before the one in force."""
        newest = self._version
        self._version = newest - 100_000
        try:
            return self._signed(payload)
        finally:
            self._version = newest


def _signer() -> Ed25519Signer:
    return Ed25519Signer(secrets.token_bytes(SEED_BYTES))
