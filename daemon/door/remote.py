"""Calls of other machines: opened by ``daemon/lan``, then they go the way of a local one."""

from __future__ import annotations

import logging

from aiohttp import web

from yibao_face.daemon.door.http import ATTENDANCE_PATH, AUTH_PATH, Given, HisDoor, broken
from yibao_face.daemon.door.plain import refusal
from yibao_face.daemon.lan.listener import Answering
from yibao_face.daemon.lan.message import Call, write_reply
from yibao_face.daemon.trust.reply import HEADER_SIGNATURE, statement
from yibao_face.daemon.trust.signature import Signer
from yibao_face.daemon.wire.charset import known

logger = logging.getLogger(__name__)


def answering(door: HisDoor, signer: Signer) -> Answering:
    """What answers an opened call: signed, as the library knows it of a local daemon."""

    async def answer(call: Call) -> bytes:
        response = await _response(door, call)
        body = bytes(response.body) if isinstance(response.body, bytes) else b""
        signature = signer.sign(statement(call.nonce, call.path, call.body, body))
        headers = {"Content-Type": response.headers["Content-Type"]}
        return write_reply({**headers, HEADER_SIGNATURE: signature.hex()}, body)

    return answer


async def _response(door: HisDoor, call: Call) -> web.Response:
    given = Given(call.body, known(call.code_page), call.caller)
    try:
        if call.path == AUTH_PATH:
            return await door.settle(given)
        if call.path == ATTENDANCE_PATH:
            return await door.sign(given)
    except Exception:
        logger.exception("call failed")
        return broken(call.path)
    return refusal("接口地址有误，请更新动态库")
