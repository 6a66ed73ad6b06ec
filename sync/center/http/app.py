"""The routes of the centre."""

from __future__ import annotations

import asyncio
import re
import ssl
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, TypeVar, cast

from aiohttp import web

from yibao_face.sync.center.api import Caller, RefusedError
from yibao_face.sync.center.center import Center
from yibao_face.sync.center.device.authority import Issued, read_request
from yibao_face.sync.center.device.identity import caller_of
from yibao_face.sync.center.device.key import DeviceKeys, read_keys
from yibao_face.sync.center.http.answer import CALLER, METRICS, refusals
from yibao_face.sync.center.http.throttle import Buckets, Gate
from yibao_face.sync.center.http.watch import Watch
from yibao_face.sync.center.ingest.body import strict_json
from yibao_face.sync.center.intake import take_batch
from yibao_face.sync.center.log import event, warning

_T = TypeVar("_T")
_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
_BODY_S = 60.0
_SMALL_BYTES = 64 * 1024
_BUDGET_CROWDED = 50
_SHA256 = re.compile(r"[0-9a-f]{64}")
_NUMBER = re.compile(r"[0-9]{1,15}")
ENROL = "enrol"


class Routes:
    """The handlers; one per process."""

    def __init__(self, center: Center) -> None:
        self._center, limits = center, center.limits
        self._threads = ThreadPoolExecutor(limits.working + 2, "center")
        # Of its own: a store of evidence that does not answer may not keep results waiting.
        self._evidence_threads = ThreadPoolExecutor(limits.evidence_at_once, "evidence")
        self._gate = Gate(limits.working, limits.waiting)
        self._evidence_gate = Gate(limits.evidence_at_once, limits.evidence_at_once)
        self._batches = Buckets(limits.batches_per_s, limits.batch_burst, time.monotonic)
        self._enrolments = Buckets(limits.enrolments_per_s, limits.enrolment_burst, time.monotonic)
        self._watch = Watch(center.documents)
        gates = {
            "batch": lambda: self._gate.waiting,
            "evidence": lambda: self._evidence_gate.waiting,
        }
        center.metrics.watch(gates, lambda: self._watch.waiting)

    def table(self) -> list[web.RouteDef]:
        """All routes, by the names that stand in the log."""
        return [
            web.post("/v1/batch", self._batch, name="batch"),
            web.put("/v1/evidence/{sha256}", self._evidence, name="evidence"),
            web.get("/v1/pull", self._pull, name="pull", allow_head=False),
            web.post("/v1/enrol", self._enrol, name=ENROL),
            web.post("/v1/renew", self._renew, name="renew"),
        ]

    async def running(self, _app: web.Application) -> AsyncGenerator[None, None]:
        """What has to run beside the handlers."""
        watching = asyncio.create_task(self._watch.run())
        yield
        watching.cancel()
        with suppress(asyncio.CancelledError):
            await watching
        self._threads.shutdown()
        self._evidence_threads.shutdown()

    @web.middleware
    async def known(self, request: web.Request, handler: _Handler) -> web.StreamResponse:
        """Let in who shows a certificate that is valid now; whoever wants to enrol has none."""
        if request.match_info.route.name != ENROL:
            caller = _certified(request)
            request[CALLER] = caller
            await self._thread(self._center.devices.check, caller, self._center.clock())
        return await handler(request)

    async def _batch(self, request: web.Request) -> web.Response:
        caller = request[CALLER]
        self._batches.spend(caller.device)
        data = await _read(request, self._center.limits.packed_bytes)
        encoding, began_s = request.headers.get("Content-Encoding", ""), time.monotonic()
        async with self._gate.turn():
            answer = await self._thread(take_batch, self._center, caller, data, encoding)
        self._center.metrics.answered(time.monotonic() - began_s)
        answer["budget"] = _BUDGET_CROWDED if self._gate.crowded else self._center.limits.records
        return web.json_response(answer)

    async def _evidence(self, request: web.Request) -> web.Response:
        sha256, put = request.match_info["sha256"], self._center.evidence.put
        if not _SHA256.fullmatch(sha256):
            raise RefusedError(404, "address", "the address is no SHA-256")
        async with self._evidence_gate.turn():
            data = await _read(request, self._center.limits.evidence_bytes)
            now_ms = self._center.clock()
            given = (request[CALLER], sha256, data, now_ms)
            loop = asyncio.get_running_loop()
            new = await loop.run_in_executor(self._evidence_threads, put, *given)
        self._center.metrics.evidence(len(data) if new else 0)
        return web.json_response({"now_ms": now_ms, "status": "new" if new else "dup"})

    async def _pull(self, request: web.Request) -> web.Response:
        cursor, wait_s = _asked(request, "cursor"), _asked(request, "wait")
        until_s = time.monotonic() + min(wait_s, self._center.limits.pull_wait_s)
        place, found = cursor, await self._letters(request[CALLER], cursor)
        while not found and (left_s := until_s - time.monotonic()) > 0:
            await self._watch.beyond(place, left_s)
            # Read first: what is published meanwhile is seen by the next look.
            place = await self._thread(self._center.documents.top)
            found = await self._letters(request[CALLER], cursor)
        last = found[-1]["place"] if found else max(cursor, 0)
        return web.json_response(
            {"now_ms": self._center.clock(), "cursor": last, "documents": found}
        )

    async def _letters(self, caller: Caller, cursor: int) -> list[dict[str, Any]]:
        after, most = self._center.documents.after, self._center.limits.documents
        return [
            {
                "place": place,
                "kind": letter.kind,
                "name": letter.name,
                "version": letter.version,
                "envelope": letter.envelope,
            }
            for place, letter in await self._thread(after, cursor, caller, most)
        ]

    async def _enrol(self, request: web.Request) -> web.Response:
        self._enrolments.spend(request.remote or "")
        body = _object(strict_json(await _read(request, _SMALL_BYTES)))
        code, csr, keys = body.get("code"), read_request(body.get("csr")), read_keys(body)
        if not isinstance(code, str) or not code.isascii() or len(code) > 64:
            raise RefusedError(422, "field", "code is not as agreed")

        def issue(device: str, institution: str) -> Issued:
            return self._center.authority.device_certificate(csr, device, institution)

        enrol, now_ms = self._center.devices.enrol, self._center.clock()
        issued = await self._thread(enrol, code, csr.key_sha256, issue, now_ms)
        return await self._bound(issued, keys)

    async def _renew(self, request: web.Request) -> web.Response:
        caller = request[CALLER]
        self._batches.spend(caller.device)
        body = _object(strict_json(await _read(request, _SMALL_BYTES)))
        csr, keys = read_request(body.get("csr")), read_keys(body)

        def issue(device: str, institution: str) -> Issued:
            return self._center.authority.device_certificate(csr, device, institution)

        renew, now_ms = self._center.devices.renew, self._center.clock()
        issued = await self._thread(renew, caller, csr.key_sha256, issue, now_ms)
        return await self._bound(issued, keys)

    async def _bound(self, issued: Issued, keys: DeviceKeys | None) -> web.Response:
        # After the certificate: where this fails, the device asks again and gets the same one.
        who = issued.caller
        if keys:
            bind = self._center.devices.bind_keys
            if await self._thread(bind, who, keys, self._center.clock()):
                warning("alarm", device=who.device, kind="sign-key-changed")
        event("certificate", device=who.device, institution=who.institution, serial=who.serial)
        return web.json_response(
            {
                "device": who.device,
                "institution": who.institution,
                "certificate": issued.pem,
                "ca": self._center.authority.root_pem,
                "not_after_ms": who.not_after_ms,
            }
        )

    async def _thread(self, act: Callable[..., _T], *given: Any) -> _T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, act, *given)


def make_app(center: Center) -> web.Application:
    """The application; to be served without aiohttp's own unpacking (see ``server``)."""
    routes = Routes(center)
    most = max(center.limits.packed_bytes, center.limits.evidence_bytes)
    app = web.Application(middlewares=[refusals, routes.known], client_max_size=most)
    app[METRICS] = center.metrics
    app.add_routes(routes.table())
    app.cleanup_ctx.append(routes.running)
    return app


def _certified(request: web.Request) -> Caller:
    tls = None if request.transport is None else request.transport.get_extra_info("ssl_object")
    der = tls.getpeercert(binary_form=True) if isinstance(tls, ssl.SSLObject) else None
    if not der:
        raise RefusedError(401, "no-certificate", "a client certificate is needed")
    return caller_of(der)


async def _read(request: web.Request, limit: int) -> bytes:
    if (request.content_length or 0) > limit:
        raise RefusedError(413, "too-large", f"the body is longer than {limit} bytes")
    try:
        async with asyncio.timeout(_BODY_S):
            data = await request.read()
    except TimeoutError as exc:
        raise RefusedError(408, "slow", "the body did not come in time") from exc
    if len(data) > limit:
        raise RefusedError(413, "too-large", f"the body is longer than {limit} bytes")
    return data


def _asked(request: web.Request, name: str) -> int:
    text = request.query.get(name, "0")
    if not _NUMBER.fullmatch(text):
        raise RefusedError(422, "field", f"{name} is not a whole number")
    return int(text)


def _object(body: object) -> dict[str, Any]:
    if not isinstance(body, dict):
        raise RefusedError(422, "field", "the body is not a JSON object")
    return cast(dict[str, Any], body)
