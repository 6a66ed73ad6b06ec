"""The steps of an update, in an order in which the power may fail between any two."""

from __future__ import annotations

import contextlib
import errno
import logging
import shutil
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from yibao_face.installer.update.decision import (
    MAX_CUTS,
    Held,
    Sample,
    Verdict,
    judge,
    refusal,
)
from yibao_face.installer.update.fault import (
    InUseError,
    SelfTestError,
    SpaceError,
    UnattendedError,
    UnhealthyError,
    UnusableError,
    UpdateError,
)
from yibao_face.installer.update.place import PART, Place, put, replace_file, sync_folder
from yibao_face.installer.update.release import Order, Release
from yibao_face.installer.update.site import Site
from yibao_face.installer.update.state import State, Step, read_state, write_state
from yibao_face.installer.update.swap.hands import Hands
from yibao_face.installer.update.swap.lock import Held as Lock
from yibao_face.installer.update.swap.lock import alone, encounter_file, take
from yibao_face.installer.update.swap.switch import Switch, Way
from yibao_face.installer.update.take.archive import room_needed, unpack
from yibao_face.installer.update.take.source import open_source
from yibao_face.installer.update.take.trust import Trust
from yibao_face.installer.update.version import Version

logger = logging.getLogger(__name__)

_LOOK_S = 1.0
BY_HAND = "left by hand"
# Told to ``Hands.at`` before each is done, in this order; "leave" and on only where it goes wrong.
TAKING = ("note", "fetch", "unpack", "rename", "self-test", "stage")
SWITCHING = ("test-again", "lay", "begin", "switch", "restart", "watch", "commit", "sweep")
LEAVING = ("leave", "back", "restart-back", "settle")


@dataclass(frozen=True, slots=True)
class Updater:
    """One computer's. Every action is alone on it, and begins with what the last one left."""

    place: Place
    site: Site
    switch: Switch
    hands: Hands

    def state(self) -> State:
        """What is known; raises ``StateError``."""
        return read_state(self.place.state)

    def check(self, where: str | Path, order: Order | None = None) -> Release | None:
        """The release at ``where`` that can be taken in; ``None``: what runs is the newest.

        Raises an ``UpdateError`` where something is offered that is not for this computer.
        """
        with self._alone(), self._trusted(where) as trust:
            release = trust.release(self.site.kind, order.version if order else None)
            if release.version == self.switch.current():
                return None
            self._refuse(release, order)
            return release

    def take(
        self, where: str | Path, order: Order | None = None, *, again: bool = False
    ) -> Release:
        """Have the release at ``where`` verified, unpacked and tested beside the running one.

        ``again``: even though it was tried here and left.
        """
        with self._alone(), self._trusted(where) as trust:
            release = trust.release(self.site.kind, order.version if order else None)
            if again:
                self._forgive(str(release.version))
            self._refuse(release, order)
            if self.state().waiting != str(release.version):
                self._take_in(release, trust)
            return release

    def apply(self) -> Version:
        """Switch to the version that waits, watch it, and leave it again if it does not do well.

        Raises ``UnhealthyError`` where it was left, ``InUseError`` where the counter is not idle,
        ``UnattendedError`` where the site wants a daemon that answers.
        """
        with self._alone():
            state = self.state()
            if not state.waiting:
                raise UnusableError("no version waits to be installed")
            if self.site.only_serving and self.hands.health() is None:
                raise UnattendedError("no daemon answers")
            target = Version.parse(state.waiting)
            self.hands.at("test-again")
            try:
                self.hands.test(self.place.app(target), target)
            except UpdateError as exc:
                self._settle(_left(replace(state, target=str(target)), str(exc)))
                raise
            self._swap(target, by_hand=False)
            return target

    def roll_back(self) -> Version:
        """Go back to the version before, by hand; the one left is not offered again."""
        with self._alone():
            state = self.state()
            if not state.previous:
                raise UnusableError("no version before this one is kept")
            target = Version.parse(state.previous)
            self._swap(target, by_hand=True)
            return target

    def resume(self, *, restart: bool = True) -> Step:
        """Finish or undo what a power failure cut off; the step that was found.

        ``restart``: not where the launcher asks, which starts the program right afterwards.
        """
        with self._locked():
            found = self._recover(restart=restart)
            if restart and found is Step.IDLE:
                self._bring_in()
            return found

    def adopt(self) -> None:
        """A package is about to put another version in place of the one that runs: that one is the
        one to go back to, and nothing waits any more.
        """
        with self._locked():
            self._recover(restart=False)
            running = str(self.switch.current())
            self._write(replace(self.state(), previous=running, waiting=""))

    # What was cut off

    @contextmanager
    def _alone(self) -> Generator[None, None, None]:
        with self._locked():
            self._recover(restart=True)
            yield

    @contextmanager
    def _locked(self) -> Generator[None, None, None]:
        try:
            self.place.own.mkdir(exist_ok=True)
            with alone(self.place.lock):
                yield
        except OSError as exc:
            raise _of_disk(exc) from exc

    def _recover(self, *, restart: bool) -> Step:
        state = self.state()
        if state.step in (Step.SWITCHING, Step.LEAVING):
            logger.warning("the switch to %s was cut off; back to %s", state.target, state.origin)
            self._go_back(Version.parse(state.origin))
            if restart:
                self._start_named()
            self._settle(_cut(state))
        elif state.step is not Step.IDLE:
            self._settle_if(replace(state, step=Step.IDLE))
        return state.step

    def _bring_in(self) -> None:
        """What is named, where another version answers: after an updater ended in its watch, the
        launcher undoes the switch without a restart.
        """
        health = self.hands.health()
        if health is not None and health.version != str(self.switch.current()):
            with self._idle(self.site.idle_wait_s):
                self._start_named()
            # Of Windows: what ran until now could not be removed by who gave it up.
            self._sweep(self.state())

    def _start_named(self) -> None:
        """Until it answers, or long enough: what comes next may want a daemon that does."""
        self.hands.restart()
        named, until_s = str(self.switch.current()), self.hands.now_s() + self.site.watch.start_s
        while self.hands.now_s() < until_s:
            health = self.hands.health()
            if health is not None and health.version == named:
                return
            self.hands.sleep(_LOOK_S)

    def _go_back(self, origin: Version) -> None:
        """By what was laid, or, where that is gone already, anew."""
        try:
            if self.switch.current() == origin:
                return
            self.switch.go(Way.BACK)
        except (OSError, UpdateError):
            self.switch.lay(Way.BACK, origin)
            self.switch.go(Way.BACK)

    def _settle(self, state: State) -> None:
        """``state`` in force, and nothing about but what it names."""
        self._write(state)
        self.place.keeper.unlink(missing_ok=True)
        self.switch.clear()
        self._sweep(state)

    def _settle_if(self, state: State) -> None:
        """Where nothing hangs on it: what is left to be swept is found the next time."""
        try:
            self._settle(state)
        except OSError as exc:
            logger.warning("not all was tidied up: %s", exc)

    def _sweep(self, state: State) -> None:
        named = [Version.parse(name) for name in (state.waiting, state.previous) if name]
        left = self.place.sweep([self.switch.current(), *named])
        shutil.rmtree(self.place.scratch, ignore_errors=True)
        if left:
            logger.warning("still in use, removed the next time: %s", ", ".join(left))

    def _write(self, state: State) -> None:
        write_state(self.place.state, state)

    # Taking in

    @contextmanager
    def _trusted(self, where: str | Path) -> Generator[Trust, None, None]:
        """What the vendor signed at ``where``, and that nothing older is believed from now on."""
        with contextlib.closing(open_source(where)) as source:
            state = self.state()
            trust = Trust(self.place, source, state.seen)
            seen = trust.refresh()
            if seen != state.seen:
                self._write(replace(state, seen=seen))
            yield trust

    def _refuse(self, release: Release, order: Order | None) -> None:
        state = self.state()
        held = Held(self.switch.current(), self.site.kind, state.failed, state.known)
        why = refusal(release, held, order)
        if why:
            raise UnusableError(why)

    def _forgive(self, version: str) -> None:
        state = self.state()
        failed = {name: why for name, why in state.failed.items() if name != version}
        cuts = {name: count for name, count in state.cuts.items() if name != version}
        self._write(replace(state, failed=failed, cuts=cuts))

    def _take_in(self, release: Release, trust: Trust) -> None:
        needed, free = room_needed(release), shutil.disk_usage(self.place.root).free
        if free < needed:
            raise SpaceError(f"{needed >> 20} MB are needed, {free >> 20} MB are free")
        state, at = self.state(), self.hands.at
        app = self.place.app(release.version)
        part = app.with_name(f"{app.name}{PART}")
        at("note")
        self._write(replace(state, step=Step.TAKING))
        try:
            at("fetch")
            trust.fetch(release, self.place.download)
            at("unpack")
            unpack(self.place.download, release, part)
            at("rename")
            put(part, app)
            sync_folder(self.place.root)
            at("self-test")
            self.hands.test(app, release.version)
            at("stage")
            known = {**state.known, str(release.version): release.sha256}
            self._settle(replace(state, waiting=str(release.version), known=known))
        except (UpdateError, OSError) as exc:
            self._abandon(release, state, exc)
            raise

    def _abandon(self, release: Release, state: State, exc: Exception) -> None:
        """Room first: on a full disk nothing can be noted before parts are away."""
        if isinstance(exc, SelfTestError):
            state = replace(state, failed={**state.failed, str(release.version): str(exc)})
        with contextlib.suppress(OSError):
            self._sweep(state)
            self._write(state)

    # From one to another

    def _swap(self, target: Version, *, by_hand: bool) -> None:
        origin, state, at = self.switch.current(), self.state(), self.hands.at
        before = self.hands.health()
        swap = replace(state, step=Step.SWITCHING, origin=str(origin), target=str(target))
        with self._idle(self.site.idle_wait_s):
            at("lay")
            self.switch.lay(Way.ON, target)
            self.switch.lay(Way.BACK, origin)
            replace_file(self.place.keeper, f"{origin.folder}\n".encode("ascii"))
            at("begin")
            self._write(swap)
            try:
                at("switch")
                self.switch.go(Way.ON)
                at("restart")
                self.hands.restart()
            except BaseException as exc:
                self._leave(swap, str(exc) or type(exc).__name__)
                raise
        self._prove(swap, target, before.camera if before else "", by_hand=by_hand)

    def _prove(self, swap: State, target: Version, camera: str, *, by_hand: bool) -> None:
        """Watch it; it stays, or is left before this returns."""
        stays = _stays(swap, by_hand=by_hand)
        try:
            self.hands.at("watch")
            verdict = self._watched(target, camera)
            if verdict is Verdict.GOOD:
                self.hands.at("commit")
                self._write(stays)
        except BaseException as exc:
            self._leave_when_idle(swap, str(exc) or type(exc).__name__)
            raise
        if verdict is not Verdict.GOOD:
            self._leave_when_idle(swap, verdict.value)
            raise UnhealthyError(f"{target} was left again, {swap.origin} runs: {verdict.value}")
        self.hands.at("sweep")
        self._settle_if(replace(stays, step=Step.IDLE))

    def _watched(self, target: Version, camera: str) -> Verdict:
        began_s = self.hands.now_s()
        samples: list[Sample] = []
        while True:
            health = self.hands.health()
            samples.append(Sample(self.hands.now_s() - began_s, health))
            verdict = judge(samples, target, self.site.watch, camera)
            if verdict is not Verdict.WAIT:
                return verdict
            self.hands.sleep(_LOOK_S)

    def _leave_when_idle(self, swap: State, reason: str) -> None:
        """Nobody's encounter is cut off, unless it never ends."""
        try:
            lock = self._idle(self.site.idle_wait_s)
        except InUseError:
            self._leave(swap, reason)
            return
        with lock:
            self._leave(swap, reason)

    def _leave(self, swap: State, reason: str) -> None:
        leaving, at = replace(swap, step=Step.LEAVING, reason=reason), self.hands.at
        at("leave")
        with contextlib.suppress(OSError):
            # On a full disk the note of the switch stands, which is undone as well.
            self._write(leaving)
        at("back")
        self._go_back(Version.parse(swap.origin))
        at("restart-back")
        self.hands.restart()
        at("settle")
        with contextlib.suppress(OSError):
            self._settle(_left(leaving, reason))

    def _idle(self, wait_s: float) -> Lock:
        """The counter to itself: no encounter is under way, and none begins until let go."""
        until_s = self.hands.now_s() + wait_s
        while True:
            lock = take(encounter_file(self.site.data))
            if lock is not None:
                health = self.hands.health()
                if health is None or not health.busy:
                    return lock
                lock.close()
            if self.hands.now_s() >= until_s:
                raise InUseError(f"the counter was in use for {wait_s:.0f} s")
            self.hands.sleep(_LOOK_S)


def _left(state: State, reason: str) -> State:
    """After ``target`` was left for ``reason``; empty: it may be tried again."""
    failed, waiting = state.failed, state.waiting
    if reason:
        failed = {**failed, state.target: reason}
        waiting = "" if waiting == state.target else waiting
    return replace(
        state, step=Step.IDLE, waiting=waiting, failed=failed, origin="", target="", reason=""
    )


def _cut(state: State) -> State:
    """After a power failure in a switch: tried again, but not for ever."""
    count = state.cuts.get(state.target, 0) + 1
    reason = state.reason
    if not reason and count >= MAX_CUTS:
        reason = f"cut off {count} times"
    return _left(replace(state, cuts={**state.cuts, state.target: count}), reason)


def _stays(swap: State, *, by_hand: bool) -> State:
    """``target`` is what runs; what ran before is kept, unless somebody turned away from it."""
    cuts = {name: count for name, count in swap.cuts.items() if name != swap.target}
    failed = {**swap.failed, swap.origin: BY_HAND} if by_hand else swap.failed
    waiting = "" if swap.waiting == swap.target or by_hand else swap.waiting
    return replace(
        swap,
        step=Step.COMMITTED,
        previous="" if by_hand else swap.origin,
        waiting=waiting,
        failed=failed,
        cuts=cuts,
        origin="",
        target="",
    )


def _of_disk(exc: OSError) -> UpdateError:
    why = f"{exc.strerror or type(exc).__name__}"
    if exc.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return SpaceError(why)
    return UpdateError(why)
