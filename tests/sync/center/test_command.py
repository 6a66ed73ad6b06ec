"""``yibao-face center`` as its operator types it, with a centre in a process of its own."""

from __future__ import annotations

import http.client
import json
import re
import socket
import ssl
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest
from center_bed import DEVICE, INSTITUTION, Machine, key_pem, request_pem, run_of, statuses
from cryptography.hazmat.primitives.asymmetric import ec

from yibao_face.daemon.cli.main import main
from yibao_face.daemon.trust.document import keys_text, sign_document
from yibao_face.daemon.trust.signature import Ed25519Signer

WHOM = ("--institution", INSTITUTION, "--device", DEVICE)
SIGNER = Ed25519Signer(bytes(32))


@contextmanager
def serving(folder: Path) -> Generator[int, None, None]:
    program = [sys.executable, "-m", "yibao_face.daemon.cli.main", "center", "serve"]
    command = [*program, "--data", str(folder), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            found = re.fullmatch(r"ready https://127\.0\.0\.1:(\d+)\n", process.stdout.readline())
            assert found is not None
            yield int(found[1])
            process.terminate()
            assert 0 == process.wait(30)
        finally:
            process.kill()


def test_from_init_to_revoke(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder, key = tmp_path / "center", ec.generate_private_key(ec.SECP256R1())
    assert 0 == main(["center", "init", "--data", str(folder)])
    assert 0o600 == (folder / "ca-key.pem").stat().st_mode & 0o777
    (folder / "centre-keys.json").write_text(keys_text([SIGNER]), "utf-8")
    signed = tmp_path / "policy-1.json"
    signed.write_bytes(sign_document("policy", 1, '{"version":1,"rules":[]}', SIGNER))
    with serving(folder) as port:
        capsys.readouterr()
        assert 0 == main(["center", "code", "--data", str(folder), *WHOM])
        code = capsys.readouterr().out.strip()
        context = ssl.create_default_context(cafile=str(folder / "ca.pem"))
        stranger = Machine(port, context)
        answer = stranger.plain("/v1/enrol", {"code": code, "csr": request_pem(key)})
        assert (200, DEVICE) == (answer.status, answer.body["device"])
        stranger.close()

        (tmp_path / "me.pem").write_bytes(answer.body["certificate"].encode() + key_pem(key))
        context.load_cert_chain(tmp_path / "me.pem")
        machine = Machine(port, context)
        assert ["new"] * 3 == statuses(machine.batch(run_of(1, 3)))
        command = ["center", "publish", "--data", str(folder), "--kind", "policy", str(signed)]
        assert 0 == main(command)
        [document] = machine.call("GET", "/v1/pull?cursor=0&wait=20").body["documents"]
        assert signed.read_text("utf-8") == document["envelope"]

        assert 0 == main(["center", "revoke", "--data", str(folder), "--device", DEVICE])
        assert 403 == machine.batch(run_of(4, 4)).status
        machine.close()


def test_metrics_and_json_lines_where_they_are_asked_for(tmp_path: Path) -> None:
    folder = tmp_path / "center"
    assert 0 == main(["center", "init", "--data", str(folder)])
    program = [sys.executable, "-m", "yibao_face.daemon.cli.main", "center", "serve"]
    options = ["--data", str(folder), "--port", "0", "--metrics-port", "0", "--log-json"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen([*program, *options], text=True, **pipes) as process:  # type: ignore[call-overload]  # keywords by name
        assert process.stdout is not None
        url = process.stdout.readline().split()[1]
        port = int(process.stdout.readline().rsplit(":", 1)[1])
        stranger = Machine(port, ssl.create_default_context(cafile=str(folder / "ca.pem")))
        assert 401 == stranger.batch(run_of(1, 1)).status
        stranger.close()
        asking = http.client.HTTPConnection("127.0.0.1", int(url.split(":")[2].split("/")[0]))
        asking.request("GET", "/metrics")
        text = asking.getresponse().read().decode()
        asking.close()
        process.terminate()
        _, logged = process.communicate(timeout=30)

    assert 0 == process.returncode
    assert 'refused_total{code="no-certificate",route="batch"} 1.0' in text
    [line] = [json.loads(line) for line in logged.splitlines()]
    assert ("refused", "warning", 401) == (line["event"], line["level"], line["status"])


@pytest.mark.parametrize(
    "option", [("--evidence-mbit", "0"), ("--evidence-closed", "8-9"), ("--metrics-port", "PORT")]
)
def test_an_option_that_cannot_be_is_told_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], option: tuple[str, str]
) -> None:
    data = ("--data", str(tmp_path / "center"))
    assert 0 == main(["center", "init", *data])
    with socket.create_server(("127.0.0.1", 0)) as taken:
        given = [word.replace("PORT", str(taken.getsockname()[1])) for word in option]

        assert refusal(capsys, "serve", *data, "--port", "0", *given)


def refusal(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    capsys.readouterr()
    assert 1 == main(["center", *words])
    [line] = capsys.readouterr().err.splitlines()
    return line.removeprefix("yibao-face: ")


def test_what_cannot_be_done_is_told_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = ("--data", str(tmp_path / "center"))
    told = refusal(capsys, "code", *data, *WHOM)
    assert "no centre in center: run `yibao-face center init`" == told
    assert 0 == main(["center", "init", *data])

    assert "center holds a centre already; its certificates stay" == refusal(capsys, "init", *data)
    told = refusal(capsys, "revoke", *data, "--device", "nobody")
    assert "this device has no certificate to revoke" == told
    told = refusal(capsys, "code", *data, "--institution", "a b", "--device", DEVICE)
    assert told.startswith("device: letters, digits")
    told = refusal(capsys, "serve", *data, "--db", "mysql://me:secret@x/y")
    assert "secret" not in told


def test_a_document_nobody_trusted_has_signed_is_not_published(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = ("--data", str(tmp_path / "center"))
    main(["center", "init", *data])
    signed = tmp_path / "policy-1.json"
    signed.write_bytes(sign_document("policy", 1, '{"version":1,"rules":[]}', SIGNER))

    told = refusal(capsys, "publish", *data, "--kind", "policy", str(signed))

    assert "policy-1.json: the document is signed with a key that is not the centre's" == told
