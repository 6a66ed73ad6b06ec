"""Whatever a HIS sends, and whatever breaks: HTTP 200, code 0, a Chinese sentence."""

from __future__ import annotations

import http.client
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from harness import FIRST, ROOT, Running, his_call, put_before_camera, running, unlink_folder

from yibao_face.daemon.booth.still.photo import enrol
from yibao_face.daemon.config import Config
from yibao_face.daemon.door import http as http_door
from yibao_face.daemon.door.http import AUTH_PATH
from yibao_face.daemon.gallery.gallery import Enrolment, Numbers
from yibao_face.daemon.wiring import gallery_of
from yibao_face.models.suite import FaceModels

GOLDEN = ROOT / "tests" / "golden"


def post(site: Running, body: bytes, **headers: str) -> tuple[int, dict[str, object], str]:
    """Status, answer and charset of a raw post."""
    door = site.config.door
    connection = http.client.HTTPConnection(door.host, door.port, timeout=60)
    try:
        connection.request("POST", AUTH_PATH, body, headers)
        response = connection.getresponse()
        charset = response.headers.get_content_charset("?")
        return response.status, json.loads(response.read().decode(charset)), charset
    finally:
        connection.close()


def assert_refused(answer: dict[str, object], said: str) -> None:
    assert ["code", "msg", "cp_no", "type"] == list(answer)
    assert (0, "", 0) == (answer["code"], answer["cp_no"], answer["type"])
    assert said in str(answer["msg"])


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "为空"),
        (b"   \x00", "为空"),
        (b"hello", "JSON"),
        (b"[1, 2]", "JSON"),
        (b"null", "JSON"),
        (b"\xff\xfe\xfd\x80", "字符集"),
        (b"[" * 50_000, "JSON"),
        (b'{"id": 1}', "姓名(name)"),
        (his_call(FIRST, id="", psn=""), "不能同时为空"),
        (his_call(FIRST, name=["x"]), "姓名(name)类型不对"),
        (his_call(FIRST, deal_no={"a": 1}), "deal_no"),
        (his_call(FIRST, fixmedins_code=True), "fixmedins_code"),
        (his_call("1" * 31), "证件号码(id)超过30"),
        (b"x" * 10_000_000, "过大"),
    ],
    ids=lambda value: repr(value)[:24],
)
def test_a_call_nobody_can_serve_is_told_what_to_mend(
    site: Config, body: bytes, said: str
) -> None:
    with running(site) as daemon:
        status, answer, _ = post(daemon, body)
        again = post(daemon, b"")

    assert 200 == status
    assert_refused(answer, said)
    assert 200 == again[0]


@pytest.mark.parametrize("charset", ["utf-8", "gbk"])
@pytest.mark.parametrize("sample", ["a", "b"])
def test_the_samples_of_the_document_are_served_byte_for_byte(
    cast: Config, clips: Path, sample: str, charset: str
) -> None:
    text = (GOLDEN / f"sample_{sample}.txt").read_text("utf-8")
    put_before_camera(cast, clips, "live-first")
    with running(cast) as daemon:
        status, answer, answered_in = post(daemon, text.encode(charset))

    assert (200, charset) == (status, answered_in)
    assert (1, "本人核验通过", 1) == (answer["code"], answer["msg"], answer["type"])


def test_a_body_shorter_than_announced_is_told_so_and_blocks_nobody(
    site: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_door, "_BODY_S", 0.3)
    with running(site) as daemon:
        connection = http.client.HTTPConnection("127.0.0.1", daemon.config.door.port, timeout=10)
        connection.putrequest("POST", AUTH_PATH)
        connection.putheader("Content-Length", "1000")
        connection.endheaders(b"{")
        answer = json.loads(connection.getresponse().read())
        connection.close()

    assert_refused(answer, "没有发完")


def test_curl_sends_a_form_content_type_and_is_served_all_the_same(
    cast: Config, clips: Path
) -> None:
    put_before_camera(cast, clips, "live-first")
    with running(cast) as daemon:
        body = (GOLDEN / "sample_a.txt").read_bytes()
        kind = "application/x-www-form-urlencoded"
        _, answer, _ = post(daemon, body, **{"Content-Type": kind})

    assert 1 == answer["code"]


def test_a_wrong_method_gets_the_four_keys_too(site: Config) -> None:
    with running(site) as daemon:
        connection = http.client.HTTPConnection("127.0.0.1", daemon.config.door.port, timeout=10)
        connection.request("GET", AUTH_PATH)
        response = connection.getresponse()
        answer = json.loads(response.read())
        connection.close()

    assert 200 == response.status
    assert_refused(answer, "POST")


def test_an_unknown_person_is_told_to_enrol_when_no_counter_is_open(
    cast: Config, clips: Path
) -> None:
    put_before_camera(cast, clips, "live-third")
    impatient = replace(cast, enrolment=replace(cast.enrolment, counter_s=0.3))
    with running(impatient) as daemon:
        answer = daemon.caller.authenticate(his_call("440101198512120000"))

    assert_refused(answer, "未登记人脸")


def test_numbers_of_two_persons_in_one_call_are_refused(
    cast: Config, clips: Path, models: FaceModels, portrait: Callable[[str], bytes]
) -> None:
    put_before_camera(cast, clips, "live-first")
    third = Enrolment(Numbers("", "PSN-3"), "王五", "v1", "photo:test", "2026-11-22")
    enrol(gallery_of(cast), models, third, [portrait("third")])
    with running(cast) as daemon:
        other = daemon.caller.authenticate(his_call(FIRST, psn="PSN-3"))
        unknown = daemon.caller.authenticate(his_call(FIRST, psn="PSN-unknown"))

    assert_refused(other, "不是同一人")
    assert 1 == unknown["code"]


def test_a_corrupt_clip_is_named_and_the_next_call_is_served(cast: Config, clips: Path) -> None:
    put_before_camera(cast, clips, "live-first")
    before = cast.data / "before-camera.rgbd"
    whole = before.read_bytes()
    middle = len(whole) // 2
    before.write_bytes(whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :])
    with running(cast) as daemon:
        broken = daemon.caller.authenticate(his_call(FIRST))
        before.write_bytes(whole)
        mended = daemon.caller.authenticate(his_call(FIRST))

    assert_refused(broken, "录像文件损坏")
    assert 1 == mended["code"]


@pytest.mark.parametrize(
    "file", ["sface-2021dec.onnx", "yunet-2023mar.onnx", "canonical-face-1.npy"]
)
def test_a_model_with_one_byte_changed_refuses_everybody(
    cast: Config, clips: Path, home: Config, file: str
) -> None:
    put_before_camera(cast, clips, "live-first")
    unlink_folder(cast.models)
    shutil.copytree(home.models, cast.models)
    model = cast.models / file
    data = bytearray(model.read_bytes())
    data[len(data) // 2] ^= 1
    model.write_bytes(data)
    with running(cast) as daemon:
        answer = daemon.caller.authenticate(his_call(FIRST))
        [stored] = daemon.daemon.ledger.outbox.waiting()

    assert_refused(answer, "模型文件被改动")
    assert "model-altered" == stored.cause


def test_missing_models_refuse_everybody_but_keep_answering(site: Config, clips: Path) -> None:
    put_before_camera(site, clips, "live-first")
    unlink_folder(site.models)
    with running(site) as daemon:
        answers = [daemon.caller.authenticate(his_call(FIRST)) for _ in range(2)]

    for answer in answers:
        assert_refused(answer, "算法模型未安装")


def test_a_recording_never_passes_outside_the_demo(cast: Config, clips: Path) -> None:
    put_before_camera(cast, clips, "live-first")
    with running(cast, demo=False) as daemon:
        answer = daemon.caller.authenticate(his_call(FIRST))
        [stored] = daemon.daemon.ledger.outbox.waiting()

    assert_refused(answer, "非现场摄像头")
    assert ("recorded-camera", False) == (stored.cause, stored.demo)
