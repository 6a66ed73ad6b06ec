"""The conformance host: the real daemon on invented persons, its stage set by who tests a HIS.

A real daemon never has these routes: here records are opened, clocks turned and doors of faults
unlocked, which is fit for nobody who exists.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sqlite3
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Any, Self

from aiohttp import web

from yibao_face.daemon.booth.counter import Consent
from yibao_face.daemon.booth.counter import Stage as Asked
from yibao_face.daemon.capture.attempt import Attempt, End
from yibao_face.daemon.clock import Clock, moment
from yibao_face.daemon.config import Config
from yibao_face.daemon.conform.case import ConformError, Stage, stage_of
from yibao_face.daemon.conform.stage.camera import StageCamera
from yibao_face.daemon.conform.stage.centre import NO_RULES, Centre
from yibao_face.daemon.demo.play import FIRST, SECOND, THIRD, blank_paper
from yibao_face.daemon.desk.form import Form
from yibao_face.daemon.desk.table import ACTS
from yibao_face.daemon.gallery.gallery import Numbers, UnknownPersonError
from yibao_face.daemon.section import (
    CameraConfig,
    DoorConfig,
    EncounterConfig,
    EnrolmentConfig,
    LivenessConfig,
)
from yibao_face.daemon.trust.policy import replace_file
from yibao_face.daemon.wiring import Daemon, build, centre_keys_path, outbox_path, policy_paths
from yibao_face.sync.api import Query, Record

STAGE_PATH, RECORDS_PATH = "/conform/stage", "/conform/records"
CAST = {"first": FIRST, "second": SECOND, "third": THIRD}
_NAMES = {"first": "张三", "second": "李四", "third": "王五"}
# Long enough for a machine under load, short enough for hundreds of calls.
CAPTURE_S, SILENCE_S, DEADLINE_S, COUNTER_S = 2.0, 1.2, 4.0, 0.3
_POLL_S = 0.05
_OPENING_HOUR = 9
_FULL = (
    "CREATE TRIGGER conform_full BEFORE INSERT ON record"
    " BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END"
)


def quick(config: Config) -> Config:
    """The defaults with short waits on the folder and port of ``config``.

    What a site has set otherwise, such as a charset, would change what the cases expect.
    """
    return Config(
        config.data,
        door=DoorConfig(port=config.door.port),
        camera=CameraConfig(silence_s=SILENCE_S),
        encounter=EncounterConfig(DEADLINE_S, CAPTURE_S),
        enrolment=EnrolmentConfig(counter_s=COUNTER_S),
        # A recorded face does not do what it is asked to.
        liveness=LivenessConfig(challenge="never"),
    )


@dataclass(slots=True)
class StageClock:
    """The daemon's clock: runs as the real one, turned by whole days between cases."""

    shift_ms: int = 0
    _latest_ms: int = 0

    def unix_ms(self) -> int:
        """Unix milliseconds as the daemon sees them."""
        return time.time_ns() // 1_000_000 + self.shift_ms

    def next_day(self) -> None:
        """Nine o'clock in China on the day after all days before, set back or not."""
        self._latest_ms = max(self._latest_ms, self.unix_ms())
        today = moment(self._latest_ms)
        at = (today + timedelta(days=1)).replace(
            hour=_OPENING_HOUR, minute=0, second=0, microsecond=0
        )
        self._latest_ms = round(at.timestamp() * 1000)
        self.shift_ms += self._latest_ms - self.unix_ms()

    def set_back(self, seconds: int) -> None:
        """Set the clock back; forward where negative."""
        self._latest_ms = max(self._latest_ms, self.unix_ms())
        self.shift_ms -= seconds * 1000


class Host:
    """A daemon with the cast enrolled in its data folder; ``close`` once."""

    def __init__(self, config: Config, clips: Path) -> None:
        self._centre = Centre(self._hand_over)
        replace_file(centre_keys_path(config), self._centre.keys)
        self._clock = StageClock()
        stuck_s = DEADLINE_S + 0.2
        self._camera = StageCamera(clips, config.data, self._cancel, stuck_s)
        clock = Clock(self._clock.unix_ms)
        self.daemon: Daemon = build(
            quick(config), demo=True, camera=self._camera.open, clock=clock
        )
        self._full = False
        self._since_ms = self._clock.unix_ms()
        self._clerk_done = threading.Event()
        self._clerk: threading.Thread | None = None

    def close(self) -> None:
        """Stop the clerk and the daemon."""
        self._dismiss()
        self.daemon.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def reset(self, stage: Stage, institution: str) -> None:
        """A new day with nothing of the case before; ``institution``: of the case."""
        self._dismiss()
        self._clock.next_day()
        self._since_ms = self._clock.unix_ms()
        self._forget_enrolled()
        self._fill_store(False)
        self._centre.decree(stage.policy or NO_RULES, stage.policy_fault)
        self._register(stage, institution)
        self.change(stage)

    def change(self, stage: Stage) -> None:
        """What may change between two calls of a case."""
        self._dismiss()
        self._clock.set_back(stage.clock_s)
        self._camera.show(stage.camera)
        self._set_agent(stage.agent)
        self._fill_store(stage.store == "full")
        if stage.clerk:
            self._call_clerk(stage.clerk)

    def state(self) -> dict[str, Any]:
        """Who this host is and how often the camera was opened since the last change."""
        return {"conform": version("yibao-face"), "opened": self._camera.opened}

    def records(self, deal_no: str | None) -> list[dict[str, Any]]:
        """What was written down since the stage was set, opened."""
        query = Query(deal_no=deal_no, since_ms=self._since_ms)
        return [self._shown(row) for row in self.daemon.ledger.outbox.find(query)]

    def _shown(self, row: Record) -> dict[str, Any]:
        problems = json.loads(row.findings)
        return {
            "kind": row.kind,
            "cause": row.cause,
            "code": row.code,
            "rule": row.rule,
            "deal_no": row.deal_no,
            "institution": row.institution,
            "certificate_no": row.certificate_no,
            "findings": sorted(f"{p['field']}:{p['problem']}" for p in problems),
            "detail": json.loads(row.detail),
            "fields": self.daemon.ledger.opened(row),
        }

    def _cancel(self, by: str) -> None:
        ends = {"person": End.PERSON, "clerk": End.CLERK}
        self.daemon.service.booth.cancel(self.daemon.counter.look().encounter, ends[by])

    def _person(self, who: str) -> str:
        found = self.daemon.service.gallery.find(Numbers(CAST[who]))
        if found is None:
            raise ConformError(f"the {who} person is not enrolled")
        return found

    def _forget_enrolled(self) -> None:
        """The third person is enrolled by a case at most, never before one."""
        gallery = self.daemon.service.gallery
        found = gallery.find(Numbers(THIRD))
        if found is not None:
            gallery.remove(found)

    def _set_agent(self, state: str) -> None:
        gallery = self.daemon.service.gallery
        pair = self._person("first"), self._person("second")
        with contextlib.suppress(UnknownPersonError):
            gallery.revoke_agent(*pair)
        if state:
            days = 30 if state == "valid" else -1
            until = self.daemon.ledger.clock.today() + timedelta(days=days)
            gallery.allow_agent(*pair, "配偶", until)

    def _hand_over(self, data: bytes) -> None:
        replace_file(policy_paths(self.daemon.config)[0], data)
        self.daemon.service.rules.policy()

    def _register(self, stage: Stage, institution: str) -> None:
        base: dict[str, Any] = {"institution": institution, "staff": "1001"}
        if stage.roster:
            listed = [{"id": CAST[who], "name": _NAMES[who]} for who in stage.roster]
            self._act("roster", {**base, "practitioners": listed})
        if not stage.special:
            return
        case = {**base, "id": FIRST, "case": stage.special, "photos": [blank_paper()]}
        made = self._act("special", case)
        if stage.review:
            approved = stage.review == "approved"
            self._act("review", {**base, "staff": "2001", "of": made, "approved": approved})

    def _act(self, name: str, form: dict[str, Any]) -> str:
        return ACTS[name](self.daemon.desk, Form(form), Attempt(DEADLINE_S)).id

    def _fill_store(self, full: bool) -> None:
        """Let the store refuse every row, as it does on a full disk, or take them again."""
        if full is self._full:
            return
        with contextlib.closing(sqlite3.connect(outbox_path(self.daemon.config))) as db, db:
            db.execute(_FULL if full else "DROP TRIGGER conform_full")
        self._full = full

    def _call_clerk(self, manner: str) -> None:
        self._clerk_done.clear()
        self._clerk = threading.Thread(target=self._attend, args=(manner,), name="clerk")
        self._clerk.start()

    def _attend(self, manner: str) -> None:
        refuses = {"no-consent": Asked.CONSENT, "not-confirmed": Asked.CONFIRM}.get(manner)
        counter = self.daemon.counter
        while not self._clerk_done.wait(_POLL_S):
            prompt = counter.look().prompt
            if prompt:
                accepted = prompt.stage is not refuses
                counter.answer(Consent(prompt.encounter, prompt.stage, accepted, "1001"))

    def _dismiss(self) -> None:
        self._clerk_done.set()
        if self._clerk is not None:
            self._clerk.join()
            self._clerk = None


def host_routes(host: Host) -> list[web.RouteDef]:
    """The control routes of the kit; nobody but the kit on this machine may know them."""

    async def look(_request: web.Request) -> web.Response:
        return web.json_response(host.state())

    async def put(request: web.Request) -> web.Response:
        try:
            await asyncio.to_thread(_staged, host, await request.json())
        except Exception as exc:  # noqa: BLE001  # the kit must read why its stage failed
            return web.json_response({"error": f"{type(exc).__name__}: {exc}"}, status=400)
        return web.json_response(host.state())

    async def records(request: web.Request) -> web.Response:
        found = await asyncio.to_thread(host.records, request.query.get("deal_no"))
        return web.json_response(found)

    return [
        web.get(STAGE_PATH, look),
        web.post(STAGE_PATH, put),
        web.get(RECORDS_PATH, records),
    ]


def _staged(host: Host, asked: Mapping[str, Any]) -> None:
    stage = stage_of(asked["stage"])
    if asked["reset"]:
        host.reset(stage, str(asked["institution"]))
    else:
        host.change(stage)
