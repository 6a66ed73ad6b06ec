"""The policy in force on this machine: what lies in the inbox, if the centre signed it newer."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from yibao_face.daemon.core.policy import Policy, PolicyError, parse_policy
from yibao_face.daemon.trust.document import (
    MAX_DOCUMENT_BYTES,
    CentreKeys,
    Document,
    DocumentError,
    open_document,
)

KIND = "policy"
_Stamp: TypeAlias = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class PolicyNews:
    """A policy document came into force or was ignored; goes to the record log.

    ``version``: 0 where it cannot be trusted. ``sha256``: of the file, empty where unreadable.
    """

    accepted: bool
    version: int
    sha256: str
    reason: str


class PolicyFile:
    """``path``: the inbox. ``accepted``: our own copy of what is in force, kept over restarts.

    ``floor``: the highest version ever accepted, as the record log knows it; 0 for none.
    ``report`` records news; what it raises leaves ``current``, and the policy is not in force.
    It must not ask for the policy itself.
    """

    def __init__(
        self,
        path: Path,
        accepted: Path,
        keys: CentreKeys,
        floor: Callable[[], int],
        report: Callable[[PolicyNews], None],
    ) -> None:
        self._path, self._accepted, self._keys = path, accepted, keys
        self._floor, self._report = floor, report
        self._lock = threading.Lock()
        self._started = False
        self._seen: _Stamp | None = None
        self._told: set[PolicyNews] = set()
        self._policy: Policy | None = None
        self._sha256 = ""
        self._key_id = ""

    def current(self) -> Policy | None:
        """The policy in force, ``None``: none, so everybody is looked at. One ``stat`` mostly."""
        with self._lock:
            if not self._started:
                self._start()
                self._started = True
            self._look()
            self._drop_revoked()
            return self._policy

    def _start(self) -> None:
        """Take up the accepted copy, if it is still what was accepted last."""
        floor = self._floor()
        try:
            data = _read(self._accepted)
        except FileNotFoundError:
            if floor > 0:
                self._refuse(PolicyNews(False, 0, "", "the accepted copy is missing"))
            return
        except OSError as exc:
            self._refuse(
                PolicyNews(False, 0, "", f"the accepted copy cannot be read: {_why(exc)}")
            )
            return
        opened = self._opened(data)
        if opened is None:
            return
        document, policy = opened
        if document.version < floor:
            reason = f"the accepted copy is older than version {floor}"
            self._refuse(PolicyNews(False, document.version, document.sha256, reason))
            return
        if document.version > floor:
            # Written, but the power went before it was recorded.
            self._report(PolicyNews(True, document.version, document.sha256, "accepted"))
        self._take_over(document, policy)

    def _look(self) -> None:
        """Judge what lies in the inbox, once; what could not be judged is looked at again."""
        try:
            # Before reading: a file that changes meanwhile is read again the next time.
            stamp = _stamp(self._path)
            if stamp == self._seen:
                return
            data = _read(self._path)
        except FileNotFoundError:
            return
        except OSError as exc:
            self._refuse(PolicyNews(False, 0, "", f"the file cannot be read: {_why(exc)}"))
            return
        if self._judge(data):
            self._seen = stamp

    def _judge(self, data: bytes) -> bool:
        """Accept or refuse; whether that is final for this content."""
        if hashlib.sha256(data).hexdigest() == self._sha256:
            return True
        opened = self._opened(data)
        if opened is None:
            return True
        document, policy = opened
        held = max(self._floor(), self._policy.version if self._policy else 0)
        if document.version == held and self._is_accepted(data):
            # By another process of this machine, which put it on record.
            self._take_over(document, policy)
            return True
        if document.version <= held:
            reason = f"not newer than version {held}"
            self._refuse(PolicyNews(False, document.version, document.sha256, reason))
            return True
        try:
            replace_file(self._accepted, data)
        except OSError as exc:
            reason = f"the accepted copy cannot be written: {_why(exc)}"
            self._refuse(PolicyNews(False, document.version, document.sha256, reason))
            return False
        self._report(PolicyNews(True, document.version, document.sha256, "accepted"))
        self._take_over(document, policy)
        return True

    def _is_accepted(self, data: bytes) -> bool:
        try:
            return _read(self._accepted) == data
        except OSError:
            return False

    def _take_over(self, document: Document, policy: Policy) -> None:
        self._policy, self._sha256, self._key_id = policy, document.sha256, document.key_id

    def _drop_revoked(self) -> None:
        """What was signed with a key that is trusted no longer is in force no longer."""
        policy = self._policy
        if policy is not None and self._key_id not in self._keys:
            reason = "it was signed with a key that is trusted no longer"
            self._refuse(PolicyNews(False, policy.version, self._sha256, reason))
            self._policy, self._sha256 = None, ""

    def _opened(self, data: bytes) -> tuple[Document, Policy] | None:
        """The genuine document and its policy; ``None`` after it was refused."""
        version = 0
        try:
            document = open_document(data, KIND, self._keys)
            version = document.version
            return document, policy_of(document)
        except (DocumentError, PolicyError) as exc:
            self._refuse(PolicyNews(False, version, hashlib.sha256(data).hexdigest(), str(exc)))
            return None

    def _refuse(self, news: PolicyNews) -> None:
        if news not in self._told:
            self._report(news)
            self._told.add(news)


def policy_of(document: Document) -> Policy:
    """The policy in a genuine document; ``PolicyError`` when it is none or numbered otherwise."""
    policy = parse_policy(document.payload)
    if policy.version != document.version:
        raise PolicyError(f"version is {policy.version}, but {document.version} was signed")
    return policy


def replace_file(path: Path, data: bytes) -> None:
    """Put ``data`` at ``path`` wholly or not at all, on disk before this returns; ``OSError``."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.part")
    with part.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
    if sys.platform != "win32":
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _stamp(path: Path) -> _Stamp:
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):
        # Reading a pipe would wait for ever.
        raise OSError(errno.EINVAL, "not a regular file")
    return status.st_mtime_ns, status.st_ctime_ns, status.st_size, status.st_ino


def _read(path: Path) -> bytes:
    """At most one byte more than a document may have: enough to refuse it."""
    _stamp(path)
    with path.open("rb") as file:
        return file.read(MAX_DOCUMENT_BYTES + 1)


def _why(exc: OSError) -> str:
    return exc.strerror or type(exc).__name__
