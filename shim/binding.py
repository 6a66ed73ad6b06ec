"""The library in and around Python, for tests and for callers written in it; cffi builds both.

``api_module``: the same C sources as an extension module. ``embed_library``: the two functions in
Python behind the C ABI. The second is a trial and is never installed at a HIS: it does NOT check
the signature of an answer; ends its host where Python cannot start; leaves ``outJson`` untouched
(value 0) where cffi is missing or the host loads it without global symbols; hangs in hosts that
hold another Python; holds 21 MB.
"""

from __future__ import annotations

import importlib.machinery
import shutil
import tempfile
from pathlib import Path
from typing import Any

from cffi import FFI

from yibao_face.shim.abi import CDEF, OUT_BYTES

API_MODULE = "_hcf"
EMBEDDED = "libHisCallFaceEmbed.so"
_SOURCES = Path(__file__).resolve().parent / "src"
_OTHER_SYSTEM = "windows.c"
# Runs in the Python that starts inside the host; fails closed. NOT VERIFIED: no signature check.
_INIT = """\
from _hcf_embed import ffi
import http.client
import json


def ask(path, request):
    connection = http.client.HTTPConnection("127.0.0.1", {port}, timeout=310)
    try:
        headers = {{"Content-Type": "application/json", "X-HCF": "1"}}
        connection.request("POST", path, ffi.string(request), headers)
        reply = connection.getresponse()
        body, charset = reply.read({room}), reply.headers.get_content_charset("utf-8")
    finally:
        connection.close()
    code = json.loads(body.decode(charset))["code"]
    if reply.status != 200 or len(body) == {room} or type(code) is not int:
        raise ValueError("no answer of the service")
    return code, body


def call(path, request, out, codes, refusal):
    if out == ffi.NULL:
        return refusal["code"]
    try:
        code, body = ask(path, request)
        if code not in codes:
            raise ValueError("no code of this interface")
    except Exception:
        code, body = refusal["code"], json.dumps(refusal).encode()
    ffi.memmove(out, body + b"\\0", len(body) + 1)
    return code


@ffi.def_extern(error=0)
def zjHisFunCall(request, out):
    refusal = {{"code": 0, "msg": "the face service gave no answer", "cp_no": "", "type": 0}}
    return call("/stdcashFaceAuth", request, out, (0, 1, 2), refusal)


@ffi.def_extern(error=-2)
def HisCallAtten(request, out):
    refusal = {{"code": -2, "msg": "the face service gave no answer"}}
    return call("/hisCallAtten", request, out, (0, 1, -1, -2, -4), refusal)
"""


def api_module(out: Path, crypto: Path, *, defines: tuple[str, ...] = ()) -> Path:
    """Compile the extension module ``_hcf`` into ``out``; Linux, needs setuptools.

    ``crypto``: the folder ``monocypher`` gave. ``defines``: for a test's own variant.
    """
    sources = [file for file in sorted(_SOURCES.glob("*.c")) if file.name != _OTHER_SYSTEM]
    ffi: Any = FFI()
    ffi.cdef(CDEF)
    ffi.set_source(
        API_MODULE,
        '#include "gen/HisCallFace.h"',
        sources=[str(file) for file in sources],
        include_dirs=[str(_SOURCES), str(crypto)],
        # Hidden: beside a loaded libHisCallFace.so each calls its own functions.
        extra_compile_args=["-fvisibility=hidden", "-D_GNU_SOURCE", *defines],
    )
    return _compiled(ffi, out, API_MODULE + importlib.machinery.EXTENSION_SUFFIXES[0])


def embed_library(out: Path, *, port: int = 51518) -> Path:
    """Compile ``libHisCallFaceEmbed.so`` into ``out``; needs setuptools and a shared libpython."""
    ffi: Any = FFI()
    ffi.embedding_api(CDEF)
    ffi.set_source("_hcf_embed", "")
    ffi.embedding_init_code(_INIT.format(port=port, room=OUT_BYTES))
    return _compiled(ffi, out, EMBEDDED)


def _compiled(ffi: Any, out: Path, name: str) -> Path:
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as held:
        made = ffi.compile(tmpdir=held, target=name)
        return Path(shutil.copy(made, out / name))
