"""Call a running daemon as a HIS program does; and as the clerk's window does."""

from __future__ import annotations

import http.client
import json
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import urlencode

from yibao_face.daemon.clock import Clock
from yibao_face.daemon.config import Config
from yibao_face.daemon.door.clerk import COUNTER_PATH
from yibao_face.daemon.door.desk import DESK_PATH
from yibao_face.daemon.door.http import ATTENDANCE_PATH, AUTH_PATH, HEALTH_PATH
from yibao_face.daemon.door.stop import STOP_PATH
from yibao_face.daemon.door.token import token_file

# A HIS waits five minutes and more (S0-05).
_CALL_TIMEOUT_S = 330.0
_CLERK_TIMEOUT_S = 10.0


class ClientError(Exception):
    """The daemon cannot be asked, or refused to answer; the message is one line."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Speaks to the daemon at ``host``:``port``."""

    host: str
    port: int
    token: str = ""

    def authenticate(self, body: bytes) -> dict[str, Any]:
        """Post ``body`` as a HIS does; the four keys of the answer."""
        return self._object("POST", AUTH_PATH, body, _CALL_TIMEOUT_S)

    def attend(self, body: bytes) -> dict[str, Any]:
        """Post ``body`` to the attendance interface."""
        return self._object("POST", ATTENDANCE_PATH, body, _CALL_TIMEOUT_S)

    def health(self, timeout_s: float = _CLERK_TIMEOUT_S) -> dict[str, Any]:
        """Whether it serves, and how its camera is."""
        return self._object("GET", HEALTH_PATH, None, timeout_s)

    def act(self, name: str, form: dict[str, Any]) -> dict[str, Any]:
        """Do something at the desk; the answer says ``ok`` and why not."""
        body = json.dumps(form, ensure_ascii=False).encode()
        return self._object("POST", f"{DESK_PATH}/{name}", body, _CALL_TIMEOUT_S)

    def view(self, name: str, /, **asked: str) -> dict[str, Any]:
        """What the desk shows."""
        path = f"{DESK_PATH}/{name}?{urlencode(asked)}"
        return self._object("GET", path, None, _CLERK_TIMEOUT_S)

    def cancel(self, encounter: str, by: str) -> None:
        """End the encounter under way, for the ``person`` or the ``clerk``."""
        body = json.dumps({"encounter": encounter, "by": by}).encode()
        self._send("POST", f"{COUNTER_PATH}/cancel", body, _CLERK_TIMEOUT_S)

    def show(self, path: str) -> None:
        """Ask the agent that serves to show itself."""
        self._send("POST", path, b"{}", _CLERK_TIMEOUT_S)

    def stop(self, *, again: bool) -> None:
        """Tell it to end in order; ``again``: another version is to be started in its place."""
        self._send("POST", STOP_PATH, json.dumps({"again": again}).encode(), _CLERK_TIMEOUT_S)

    def look(self) -> dict[str, Any]:
        """What the counter shows."""
        return self._object("GET", COUNTER_PATH, None, _CLERK_TIMEOUT_S)

    def answer(self, given: dict[str, Any]) -> None:
        """Answer the prompt."""
        body = json.dumps(given).encode()
        self._send("POST", COUNTER_PATH, body, _CLERK_TIMEOUT_S)

    def _object(
        self, method: str, path: str, body: bytes | None, timeout_s: float
    ) -> dict[str, Any]:
        raw, charset = self._send(method, path, body, timeout_s)
        try:
            found = json.loads(raw.decode(charset))
        except (ValueError, LookupError) as exc:
            raise self._stranger() from exc
        if not isinstance(found, dict):
            raise self._stranger()
        return cast(dict[str, Any], found)

    def _stranger(self) -> ClientError:
        return ClientError(f"another program answers at {self.host}:{self.port}")

    def _send(
        self, method: str, path: str, body: bytes | None, timeout_s: float
    ) -> tuple[bytes, str]:
        connection = http.client.HTTPConnection(self.host, self.port, timeout=timeout_s)
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {self.token}"}
        try:
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            raw = response.read()
        except (OSError, http.client.HTTPException) as exc:
            raise ClientError(f"no daemon answers at {self.host}:{self.port}") from exc
        finally:
            connection.close()
        if response.status != 200:
            reason = " ".join(raw.decode("utf-8", "replace").split())[:200]
            raise ClientError(f"{path}: HTTP {response.status} {reason}")
        return raw, response.headers.get_content_charset("utf-8")


def caller_of(config: Config, port: int | None = None, *, clerk: bool = False) -> Caller:
    """A caller of the configured daemon; ``clerk``: with the token of its data folder."""
    token = ""
    if clerk:
        try:
            token = token_file(config.data).read_text("ascii")
        except PermissionError as exc:
            raise ClientError("the daemon of this data folder is another user's") from exc
        except OSError as exc:
            raise ClientError("no daemon runs on this data folder (no counter.token)") from exc
    return Caller(config.door.host, port or config.door.port, token)


def sample_request(id_number: str, name: str, clock: Clock, sequence: int) -> dict[str, str]:
    """A complete outpatient call as the interface document's sample A has it."""
    moment = f"{clock.now():%Y%m%d%H%M%S}"
    return {
        "id": id_number,
        "name": name,
        "deal_no": f"001000200030{moment}{sequence:04d}",
        "mdtrtarea_admvs": "310000",
        "insuplc_admdvs": "310000",
        "infver": "V1.0",
        "opter_type": "1",
        "opter": "00100020",
        "opter_name": "演示经办人",
        "fixmedins_code": "001000200030",
        "fixmedins_name": "演示大药房",
        "mdtrt_cert_type": "02",
        "begntime": f"{clock.today():%Y%m%d}",
        "medfee_sumamt": "1300.56",
        "invono": "",
        "insutype": "310",
        "dise_codg": "I10",
        "dise_name": "高血压",
        "acct_used_flag": "1",
        "med_type": "41",
        "fulamt_ownpay_amt": "0.0",
        "overlmt_selfpay": "0.0",
        "preselfpay_amt": "0.0",
        "inscp_scp_amt": "0.0",
        "exp_content": "",
    }
