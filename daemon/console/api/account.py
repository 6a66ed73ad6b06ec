"""Logging in and out, one's own PIN, and the accounts a manager looks after."""

from __future__ import annotations

import logging
import uuid
from dataclasses import dataclass, replace
from typing import Any

from aiohttp import web

from yibao_face.daemon.capture.attempt import Attempt
from yibao_face.daemon.codes import TABLE
from yibao_face.daemon.console.access.role import MAY, Function, Role
from yibao_face.daemon.console.access.session import COOKIE
from yibao_face.daemon.console.access.staff import GivenPin, Staff, StaffError
from yibao_face.daemon.console.console import Console
from yibao_face.daemon.console.route import Anybody, AnyStaff, Route, Visit, away, told
from yibao_face.daemon.console.web.site import ROOT
from yibao_face.daemon.core.encounter import Answer
from yibao_face.daemon.core.scene.event import Kind
from yibao_face.daemon.desk.form import FormError
from yibao_face.daemon.gallery.gallery import Numbers
from yibao_face.daemon.ledger import Entry

logger = logging.getLogger(__name__)

_TOO_OFTEN = "登录尝试过于频繁，请一分钟后重试"


@dataclass(frozen=True, slots=True)
class Seen:
    """What became of a look at whoever wants to log in."""

    person: str
    message: str


async def log_in(visit: Visit) -> web.Response:
    """``{staff, pin}`` → a session."""
    console, form = visit.console, await visit.form()
    number, pin = form.text("staff", "工号", 30), form.text("pin", "密码", 30)
    if not console.logins.take():
        raise StaffError(_TOO_OFTEN)
    account = await away(lambda: console.staff.log_in(number, pin))
    console.logins.give_back()
    return _begun(console, account, "pin")


async def log_in_by_face(visit: Visit) -> web.Response:
    """Whoever stands before the camera, if he is one of the staff who may."""
    console = visit.console
    if not console.logins.take():
        raise StaffError(_TOO_OFTEN)
    seen = await console.calls.run(uuid.uuid4(), lambda attempt: look(console, attempt))
    if not seen.person:
        raise StaffError(seen.message)
    account = await away(lambda: console.staff.log_in_person(seen.person))
    console.logins.give_back()
    return _begun(console, account, "face")


def look(console: Console, attempt: Attempt) -> Seen:
    """Search the staff for the face before the camera; on record, as every such look is."""
    faces, desk = console.staff.faces(), console.daemon.desk
    if not faces:
        return Seen("", "还没有账号开通刷脸登录，请用密码登录")
    id_ = desk.ledger.new_id()
    outcome, trace = desk.booth.identify(id_, faces, attempt)
    detail = {"by": "face", "among": trace.among}
    institution = desk.rules.institution
    entry = Entry(Kind.LOGIN, outcome, institution, outcome.matched, trace=trace, detail=detail)
    desk.ledger.write(id_, entry)
    passed = outcome.answer is Answer.PASS
    return Seen(outcome.matched if passed else "", TABLE[outcome.cause].message)


async def log_out(visit: Visit) -> web.Response:
    """End this session."""
    visit.console.sessions.end(visit.request.cookies.get(COOKIE, ""))
    answer = told({"ok": True})
    answer.del_cookie(COOKIE, path=ROOT)
    return answer


async def me(visit: Visit) -> web.Response:
    """Who is logged in, and what he may; ``account`` is null where nobody is."""
    if visit.session is None or visit.account is None:
        return told({"account": None})
    return told({"account": _own(visit.account, visit.session.csrf, visit.console)})


async def change_pin(visit: Visit) -> web.Response:
    """``{old, new}``: another PIN of one's own; other sessions of the account end."""
    console, form, number = visit.console, await visit.form(), visit.staff.number
    old, new = form.text("old", "原密码", 30), form.text("new", "新密码", 30)
    if old == new:
        raise FormError("新密码不能与原密码相同")
    await away(lambda: console.staff.log_in(number, old))
    await away(lambda: console.staff.set_pin(number, new))
    console.sessions.end_all_of(number)
    return _begun(console, replace(visit.staff, pin_given=False), "pin")


async def accounts(visit: Visit) -> web.Response:
    """Every account."""
    found = await away(visit.console.staff.all)
    now_ms = visit.console.daemon.ledger.clock.unix_ms()
    return told({"staff": [_listed(one, now_ms) for one in found], "roles": list(Role)})


async def add_account(visit: Visit) -> web.Response:
    """``{number, name, role, pin[, id]}``; ``id``: of an enrolled person, to log in by face."""
    console, form = visit.console, await visit.form()
    number, name = form.text("number", "工号", 30), form.text("name", "姓名", 30)
    role, pin = form.choice("role", "岗位", Role), form.text("pin", "密码", 30)
    id_number = form.text_or_empty("id", "证件号码", 30).upper()

    def add() -> None:
        console.staff.add(number, name, role, GivenPin(pin), face_of(console, id_number))

    await away(add)
    logger.info("account %s added by %s", number, visit.staff.number)
    return told({"ok": True})


def face_of(console: Console, id_number: str) -> str:
    """The enrolled person behind ``id_number``; empty without one. Raises ``FormError``."""
    if not id_number:
        return ""
    found = console.daemon.desk.gallery.find(Numbers(id_number))
    if found is None:
        raise FormError("该人员未登记人脸，请先登记后再开通刷脸登录")
    return found


async def reset_pin(visit: Visit) -> web.Response:
    """``{number, pin}``: for who forgot it; a lock ends, sessions end. Of others it is given."""
    console, form = visit.console, await visit.form()
    number, pin = form.text("number", "工号", 30), form.text("pin", "密码", 30)
    if number != visit.staff.number:
        pin = GivenPin(pin)
    await away(lambda: console.staff.set_pin(number, pin))
    console.sessions.end_all_of(number)
    logger.info("PIN of account %s reset by %s", number, visit.staff.number)
    return told({"ok": True})


async def remove_account(visit: Visit) -> web.Response:
    """``{number}``: who left."""
    console, form = visit.console, await visit.form()
    number = form.text("number", "工号", 30)
    await away(lambda: console.staff.remove(number))
    console.sessions.end_all_of(number)
    logger.info("account %s removed by %s", number, visit.staff.number)
    return told({"ok": True})


def _begun(console: Console, account: Staff, how: str) -> web.Response:
    token, session = console.sessions.begin(account.number)
    logger.info("console: account %s logged in by %s", account.number, how)
    answer = told({"account": _own(account, session.csrf, console)})
    answer.set_cookie(COOKIE, token, path=ROOT, httponly=True, samesite="Strict")
    return answer


def _own(account: Staff, csrf: str, console: Console) -> dict[str, Any]:
    return {
        "number": account.number,
        "name": account.name,
        "role": account.role.value,
        "may": [function.value for function in Function if account.role in MAY[function]],
        "csrf": csrf,
        "pin_given": account.pin_given,
        "institution": console.config.desk.institution,
        "demo": console.daemon.ledger.provenance.demo,
        "idle_min": console.config.console.idle_min,
    }


def _listed(one: Staff, now_ms: int) -> dict[str, Any]:
    return {
        "number": one.number,
        "name": one.name,
        "role": one.role.value,
        "face": bool(one.person),
        "locked": now_ms < one.locked_until_ms,
        "last_login_ms": one.last_login_ms,
    }


ROUTES = (
    Route("POST", "/login", Anybody, log_in),
    Route("POST", "/login/face", Anybody, log_in_by_face),
    Route("POST", "/logout", AnyStaff, log_out, with_given_pin=True),
    Route("GET", "/me", Anybody, me),
    Route("POST", "/pin", AnyStaff, change_pin, with_given_pin=True),
    Route("GET", "/staff", Function.STAFF, accounts),
    Route("POST", "/staff", Function.STAFF, add_account),
    Route("POST", "/staff/pin", Function.STAFF, reset_pin),
    Route("POST", "/staff/remove", Function.STAFF, remove_account),
)
