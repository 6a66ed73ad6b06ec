"""The way back: letters of the centre, in their order, each until it is applied or refused."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any, cast

from yibao_face.sync.uplink.api import IdentityError, Inbox, Letter, LetterRefusedError, News
from yibao_face.sync.uplink.identity.file import read_secret, replace_secret
from yibao_face.sync.uplink.wire.answer import Pulled, read_pulled
from yibao_face.sync.uplink.wire.client import Client, Request

logger = logging.getLogger(__name__)

# Twenty documents of a megabyte, and what JSON makes of them.
_MOST_BYTES = 64 * 1024 * 1024
_GRACE_S = 15.0


class Cursor:
    """How far the letters of one centre are applied; on disk, so that none is passed by."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self, centre: str) -> int:
        """The place of the last letter done; 0 for a centre not heard before.

        A damaged file counts as none: letters come again, and old ones are refused as such.
        """
        try:
            body = cast(dict[str, Any], json.loads(read_secret(self._path) or b"{}"))
            place = body["place"] if body["centre"] == centre else 0
        except (ValueError, KeyError, TypeError, IdentityError):
            return 0
        return place if type(place) is int and place >= 0 else 0

    def keep(self, centre: str, place: int) -> None:
        """On disk when this returns; ``IdentityError``."""
        replace_secret(self._path, json.dumps({"centre": centre, "place": place}).encode())


class LetterLane:
    """Asks, hands over and remembers. ``pull_s``: how long the centre may hold the question."""

    def __init__(self, cursor: Cursor, inbox: Inbox, news: News, pull_s: int) -> None:
        self._cursor, self._inbox, self._news, self._pull_s = cursor, inbox, news, pull_s

    def pull(self, client: Client, centre: str, *, wait: bool = True) -> Pulled:
        """One question and what came of it.

        Raises what ``Client.ask`` does, ``IdentityError`` where the place cannot be kept, and what
        the inbox raises: then the letter comes again.
        """
        cursor = self._cursor.read(centre)
        wait_s = self._pull_s if wait else 0
        path = f"/v1/pull?cursor={cursor}&wait={wait_s}"
        request = Request("GET", path, deadline_s=wait_s + _GRACE_S, most=_MOST_BYTES)
        pulled = read_pulled(client.ask(request), cursor)
        for place, letter in pulled.letters:
            self._hand_over(letter)
            self._cursor.keep(centre, place)
        return pulled

    def _hand_over(self, letter: Letter) -> None:
        try:
            self._inbox.take(letter)
        except LetterRefusedError as exc:
            facts = {"kind": letter.kind, "name": letter.name, "version": letter.version}
            self._news.trouble("letter-refused", {**facts, "reason": str(exc)})
            logger.warning("letter %s version %d refused: %s", letter.kind, letter.version, exc)
