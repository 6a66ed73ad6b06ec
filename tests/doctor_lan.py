"""What is done to LAN mode."""

from __future__ import annotations

import json
import threading
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

from doctor_bed import Bench
from doctor_case import FAIL, OK, SKIP, WARN, Breaks, listed, quiet, setting

from yibao_face.daemon.wiring import caller_book_of, vault_of

for check in ("lan", "lan-callers"):
    listed(check, SKIP, "没有启用", quiet)
listed("lan", OK, "127.0.0.2:51521", setting("lan", enabled=True, host="127.0.0.2"))
listed("lan", WARN, "所有网卡", setting("lan", enabled=True, host="0.0.0.0"))  # noqa: S104  # never bound
# Nobody's address (RFC 5737).
listed("lan", FAIL, "不是本机的地址", setting("lan", enabled=True, host="192.0.2.1"))
listed("lan-callers", WARN, "没有登记", setting("lan", enabled=True, host="127.0.0.2"))


def paired(mode: int = 0o600, damaged: bool = False) -> Breaks:
    def make(bench: Bench) -> None:
        bench.set("lan", enabled=True, host="127.0.0.2")
        book = caller_book_of(bench.config, vault_of(bench.config))
        book.add("收费一号窗", ("10.0.0.7",), "2026-11-27")
        book.path.chmod(mode)
        if damaged:
            book.path.write_bytes(b"word")

    return make


listed("lan-callers", OK, "1 台", paired())
listed("lan-callers", FAIL, "打不开", paired(damaged=True))
listed("lan-callers", FAIL, "其他账号", paired(0o644))


@contextmanager
def deaf_daemon() -> Generator[int, None, None]:
    """Answers ``/health`` as one whose LAN port another program has."""
    body = {"status": "ok", "camera": None, "lan": {"listening": False}}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            text = json.dumps(body).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, format: str, *args: object) -> None:
            del format, args

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join(10)
