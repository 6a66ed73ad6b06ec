"""Signed answers: a caller who sends a nonce gets proof that this daemon answered this call."""

from __future__ import annotations

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler, Middleware

from yibao_face.daemon.trust.reply import HEADER_NONCE, HEADER_SIGNATURE, nonce_of, statement
from yibao_face.daemon.trust.signature import Signer

_BODY_KEY = web.RequestKey("whole-body", bytes)


def keep_whole(request: web.Request, body: bytes) -> None:
    """Let the answer be signed: ``body`` is all that was sent, read to its end."""
    # Unpacked on the way in, it is not what the caller sent: nothing to vouch for.
    if hdrs.CONTENT_ENCODING not in request.headers:
        request[_BODY_KEY] = body


def signed_replies(signer: Signer) -> Middleware:
    """Middleware that signs each answer to a call with a nonce whose body was kept whole."""

    @web.middleware
    async def prove(request: web.Request, handler: Handler) -> web.StreamResponse:
        response = await handler(request)
        stated = _stated(request, response)
        if stated is not None:
            response.headers[HEADER_SIGNATURE] = signer.sign(stated).hex()
        return response

    return prove


def _stated(request: web.Request, response: web.StreamResponse) -> bytes | None:
    """What to sign; ``None`` where the caller did not ask or not all is known: no signature."""
    nonce = _nonce(request)
    asked = request.get(_BODY_KEY)
    answered = response.body if isinstance(response, web.Response) else None
    if nonce is None or asked is None or not isinstance(answered, bytes):
        return None
    return statement(nonce, request.path, asked, answered) if request.path.isascii() else None


def _nonce(request: web.Request) -> bytes | None:
    """Two nonces are none: nobody could tell which was meant."""
    return nonce_of(",".join(request.headers.getall(HEADER_NONCE, ())))
