"""The machine's pages: lights, preview, self-test, wizard, log, and a bundle without persons."""

from __future__ import annotations

import io
import json
import logging
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import requests
from console_bed import PIN, Office, office, photo
from harness import FIRST, SECOND, his_call, put_before_camera

from yibao_face.daemon.config import Config, load_config
from yibao_face.daemon.console.access.role import Role
from yibao_face.daemon.console.check.live import LONGEST_S, UNSEEN_S, Live
from yibao_face.daemon.console.check.log import LogTail
from yibao_face.daemon.console.check.pin import PinError, Pinned, pin_of, write_pin
from yibao_face.drivers.api import Camera, CameraInfo, Capability, DeviceError, DeviceLostError
from yibao_face.drivers.replay import ReplayCamera

JPEG = b"\xff\xd8"


def test_the_lights_tell_how_the_machine_stands(open_office: Office) -> None:
    found = open_office.window(Role.CLERK).ask("/status").json()

    assert {True} == {found[part]["ok"] for part in ("camera", "models", "queue", "clock", "disk")}
    assert found["camera"]["recorded"]
    assert 4 == len(found["models"]["loaded"])
    assert {"on": False, "by": ""} == found["preview"]
    assert str(open_office.site.config.data) not in json.dumps(found)


def test_a_dead_record_and_a_missing_network_are_told(cast: Config, tmp_path: Path) -> None:
    broken = replace(cast, data=tmp_path / "empty")
    broken.data.mkdir()
    with office(broken) as made:
        made.site.caller.act("settled", {"day": "2026-12-01", "count": 1})
        outbox = made.site.daemon.ledger.outbox
        outbox.delivery.bury(outbox.waiting()[0].id, "refused")
        found = made.window(Role.ENGINEER).ask("/status").json()

    assert (False, False) == (found["models"]["ok"], found["queue"]["ok"])
    assert "算法模型未安装" in found["models"]["message"]


def test_the_preview_is_off_until_somebody_turns_it_on(open_office: Office) -> None:
    engineer = open_office.window(Role.ENGINEER)

    assert 404 == engineer.ask("/preview").status_code
    assert {"ok": True, "on": True} == engineer.send("/preview", on=True).json()
    shown = engineer.ask("/preview")
    assert ("image/jpeg", JPEG) == (shown.headers["Content-Type"], shown.content[:2])
    assert len(shown.content) > len(engineer.ask("/preview", planes="colour").content) / 2
    # Everybody sees that it is on, and who turned it on.
    seen = open_office.window(Role.PHARMACIST).ask("/status").json()
    assert {"on": True, "by": "3001"} == seen["preview"]
    assert 403 == open_office.window(Role.MANAGER).ask("/preview").status_code
    engineer.send("/preview", on=False)
    assert 404 == engineer.ask("/preview").status_code


def test_a_settlement_passes_while_somebody_looks_on(open_office: Office) -> None:
    open_office.window(Role.CLERK).send("/preview", on=True)

    assert 1 == open_office.site.caller.authenticate(his_call(FIRST))["code"]


def test_a_preview_of_no_camera_is_told(open_office: Office) -> None:
    (open_office.site.config.data / "before-camera.rgbd").unlink()
    answer = open_office.window(Role.CLERK).send("/preview", on=True)

    assert (409, "未找到摄像头，请检查连接后重试") == (answer.status_code, answer.json()["error"])


class Watch:
    def __init__(self) -> None:
        self.s = 1000.0

    def __call__(self) -> float:
        return self.s


@pytest.fixture
def opener(clips: Path) -> Callable[[], Camera]:
    return lambda: ReplayCamera(clips / "live-first.rgbd", paced=False)


def test_a_preview_nobody_looks_at_ends(opener: Callable[[], Camera]) -> None:
    watch = Watch()
    live = Live(opener, watch)
    live.expire()
    live.turn_on("1001")
    watch.s += UNSEEN_S - 1
    live.expire()
    assert live.is_on

    watch.s += 1
    live.expire()
    assert not live.is_on
    assert live.jpeg() is None


def test_a_preview_ends_however_much_it_is_looked_at(opener: Callable[[], Camera]) -> None:
    watch = Watch()
    live = Live(opener, watch)
    live.turn_on("1001")
    for _ in range(int(LONGEST_S / 5)):
        assert live.jpeg()
        live.expire()
        watch.s += 5

    live.expire()
    assert not live.is_on


def test_a_camera_that_is_lost_ends_the_preview(clips: Path) -> None:
    live = Live(lambda: ReplayCamera(clips / "live-first.rgbd", loop=False, paced=False))
    live.turn_on("1001")

    with pytest.raises(DeviceLostError):
        for _ in range(10_000):
            live.jpeg()
    assert not live.is_on


def test_the_daemon_turns_a_forgotten_preview_off_as_it_ends(cast: Config, clips: Path) -> None:
    put_before_camera(cast, clips, "live-first")
    with office(cast) as made:
        made.window(Role.CLERK).send("/preview", on=True)


def test_the_self_test_tries_each_part(open_office: Office) -> None:
    found = open_office.window(Role.ENGINEER).send("/selftest").json()

    assert found["ok"], found
    names = [part["name"] for part in found["parts"]]
    assert ["camera", "records", "gallery", "disk", "clock"] == names[-5:]
    assert 4 == len([name for name in names if name.startswith("model ")])


def test_the_self_test_finds_what_is_broken(open_office: Office) -> None:
    site = open_office.site
    (site.config.data / "before-camera.rgbd").unlink()
    site.caller.act("settled", {"day": "2026-12-01", "count": 1})
    with site.daemon.ledger.outbox.file.transaction() as db:
        for (name,) in db.execute(
            "SELECT name FROM sqlite_master WHERE type = 'trigger'"
        ).fetchall():
            db.execute(f"DROP TRIGGER {name}")
        db.execute("UPDATE record SET cause = 'matched-self'")
    found = open_office.window(Role.ENGINEER).send("/selftest").json()

    bad = {part["name"]: part["told"] for part in found["parts"] if not part["ok"]}
    assert not found["ok"]
    assert {"camera", "records"} == set(bad)
    assert "未找到摄像头" in bad["camera"]
    assert "记录不完好" in bad["records"]


def test_the_wizard_measures_who_stands_there(open_office: Office) -> None:
    found = open_office.window(Role.ENGINEER).send("/calibration").json()

    assert found["ok"], found
    values = {check["name"]: check["value"] for check in found["checks"]}
    assert {"fps", "face", "light", "contrast", "distance", "depth"} == set(values)
    assert 300 <= values["distance"] <= 900
    assert values["depth"] > 60
    assert "rgbd-clip" == found["camera"]["model"]


def test_the_wizard_says_what_to_do_where_nobody_stands(open_office: Office, clips: Path) -> None:
    put_before_camera(open_office.site.config, clips, "nobody")
    found = open_office.window(Role.ENGINEER).send("/calibration").json()

    assert not found["ok"]
    advice = {check["name"]: check["advice"] for check in found["checks"] if not check["ok"]}
    assert "未检测到人脸，请正对摄像头后重试" == advice["face"]


def test_the_wizard_lists_cameras(open_office: Office) -> None:
    found = open_office.window(Role.ENGINEER).ask("/cameras").json()

    assert ("replay", True) == (found["driver"], found["configured"])
    assert {"usb_id": "", "serial": "", "path": "", "firmware": ""} == found["pinned"]


def test_pinning_wants_a_yes_and_keeps_the_rest_of_the_file(open_office: Office) -> None:
    engineer, file = (
        open_office.window(Role.ENGINEER),
        open_office.site.config.data / "config.toml",
    )
    file.write_text("# ours\n[door]\nport = 51600  # as agreed\n", "utf-8")

    assert 400 == engineer.send("/calibration/pin", confirmed=False).status_code
    assert engineer.send("/calibration/pin", confirmed=True).ok
    text = file.read_text("utf-8")
    assert text.startswith("# ours\n[door]\nport = 51600  # as agreed\n")
    camera = load_config(file).camera
    assert camera.pin_serial
    assert [] == list(file.parent.glob("*.part"))


@pytest.mark.parametrize(
    "before",
    ["not toml", "camera = 1\n", "[camera]\nuri = 7\n", "[camera]\nunknown = 1\n", "\xff"],
)
def test_a_file_that_cannot_be_used_is_left_as_it_was(tmp_path: Path, before: str) -> None:
    file = tmp_path / "config.toml"
    file.write_bytes(before.encode("latin-1"))

    with pytest.raises(PinError):
        write_pin(file, Pinned("2bc5:0402", "S1", "", ""))
    assert before.encode("latin-1") == file.read_bytes()
    assert [file] == list(tmp_path.iterdir())


def test_a_pin_is_written_where_no_file_was(tmp_path: Path) -> None:
    write_pin(tmp_path / "config.toml", Pinned("2bc5:0402", 'S"1', "usb-1", ""))

    camera = load_config(tmp_path / "config.toml").camera
    assert ("2bc5:0402", 'S"1', "usb-1") == (
        camera.pin_usb_id,
        camera.pin_serial,
        camera.pin_path,
    )


def test_a_camera_without_a_number_cannot_be_pinned() -> None:
    with pytest.raises(PinError):
        pin_of(CameraInfo("uvc", "uvc:0", "X", "", Capability.RGB))


PICTURE = photo()
PLANTED = ("张三丰", "赵药师", FIRST, SECOND, "13800138000", PICTURE[:80], PIN, "hunter2")


def planted(made: Office) -> None:
    """What a careless line of somebody else's library could say."""
    log = logging.getLogger("somebody")
    log.warning("person %s number %s phone %s", "张三丰", FIRST, "13800138000")
    log.warning("picture %s by %s", PICTURE, "赵药师")
    try:
        int(f"{SECOND}x")
    except ValueError:
        log.exception("failed")
    made.site.caller.authenticate(his_call(FIRST, name="张三丰"))


@pytest.fixture
def careless(cast: Config, clips: Path) -> Config:
    put_before_camera(cast, clips, "live-first")
    return replace(
        cast, camera=replace(cast.camera, uri=cast.camera.uri + "?x=rtsp://u:hunter2@cam/1")
    )


def test_the_log_tells_no_person(open_office: Office) -> None:
    open_office.book.add("2002", "张三丰", Role.CLERK, PIN)
    planted(open_office)
    lines = open_office.window(Role.ENGINEER).ask("/log").json()["lines"]

    said = json.dumps(lines, ensure_ascii=False)
    assert "failed ValueError" in said
    assert "picture … by …" in said
    assert [] == [word for word in PLANTED if word in said]


def test_the_bundle_holds_no_person(careless: Config) -> None:
    with office(careless) as made:
        made.book.add("2002", "张三丰", Role.CLERK, PIN)
        planted(made)
        answer = made.window(Role.ENGINEER).send("/bundle")
        assert "application/zip" == answer.headers["Content-Type"]
        with zipfile.ZipFile(io.BytesIO(answer.content)) as packed:
            texts = {name: packed.read(name).decode("utf-8") for name in packed.namelist()}

    assert {"README.txt", "version.json", "state.json", "selftest.json", "queue.json"} < set(texts)
    assert {"config.toml", "log.txt", "records.json", "verify.json"} < set(texts)
    found = [(name, word) for name, text in texts.items() for word in PLANTED if word in text]
    assert [] == found
    assert "rtsp://…@cam" in texts["config.toml"]
    assert json.loads(texts["records.json"])["counts"]


def test_the_log_keeps_the_last_lines_only() -> None:
    tail = LogTail()
    for number in range(600):
        tail.handle(logging.LogRecord("a.b", logging.INFO, "", 0, "line %d", (number,), None))
    tail.handle(logging.LogRecord("a.b", logging.INFO, "", 0, "%d", ("x",), None))

    lines = tail.lines()
    assert (500, "(unreadable)", "line 599") == (len(lines), lines[-1].text, lines[-2].text)


def test_the_log_is_heard_only_while_the_console_is_open(open_office: Office) -> None:
    heard = [h for h in logging.getLogger().handlers if isinstance(h, LogTail)]

    assert 1 == len(heard)
    assert requests.get(f"{open_office.root}/health", timeout=10).ok


def test_a_live_that_cannot_open_says_why() -> None:
    def fail() -> Camera:
        raise DeviceError("gone")

    live = Live(fail)
    with pytest.raises(DeviceError):
        live.turn_on("1001")
    assert not live.is_on
