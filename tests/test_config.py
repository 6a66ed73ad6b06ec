"""One file, every key known: what is not understood is refused by name."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from yibao_face.daemon.config import Config, ConfigError, default_home, load_config, to_toml
from yibao_face.daemon.section import (
    CONSENT_TEXT,
    AttendanceConfig,
    CameraConfig,
    CentreConfig,
    ConsoleConfig,
    DeskConfig,
    DoorConfig,
    LanConfig,
    LivenessConfig,
    LockoutConfig,
    RepeatConfig,
    UiConfig,
)
from yibao_face.drivers.driver import Settings


@pytest.fixture
def at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The data folder of this test, named by the environment."""
    monkeypatch.setenv("YIBAO_FACE_HOME", str(tmp_path))
    return tmp_path


def load(home: Path, text: str) -> Config:
    (home / "config.toml").write_bytes(text.encode())
    return load_config()


def test_without_a_file_the_defaults_hold(at_home: Path) -> None:
    config = load_config()

    assert Config(at_home) == config
    assert ("127.0.0.1", 51518, ()) == (config.door.host, config.door.port, config.door.origins)
    assert (300.0, 0.04) == (config.encounter.deadline_s, config.match.margin)
    assert config.match.grow
    assert CONSENT_TEXT == config.enrolment.consent_text
    assert "" == config.camera.uri
    assert ("auto", 600.0) == (config.door.charset, config.repeat.pass_s)
    assert LockoutConfig(3, 1800.0, 300.0) == config.lockout
    everything = ("mouth", "turn-left", "turn-right", "blink")
    assert LivenessConfig("after-reject", 500.0, everything, False, True, 7) == config.liveness
    kept = (120.0, True, 45.0, Settings(640, 480, 30))
    assert CameraConfig("", 3.0, (), "", "", "", "", *kept) == config.camera
    assert AttendanceConfig(300.0, 120.0) == config.attendance
    assert CentreConfig("", True, True) == config.centre
    assert ConsoleConfig(True, 15.0) == config.console
    assert ("", "20:00", 24, 3, 3) == (
        config.desk.institution,
        config.desk.round_by,
        config.desk.makeup_hours,
        config.desk.max_agents,
        config.desk.max_cards,
    )
    assert {"21", "52"} <= set(config.desk.inpatient_med_types)
    assert (5120, "standard") == (config.evidence.quota_mb, config.crypto.suite)
    assert UiConfig(True, 0, 70, "zh", "normal") == config.ui
    assert LanConfig(False, "", 51521, 60) == config.lan


def test_an_empty_file_means_the_defaults(at_home: Path) -> None:
    assert Config(at_home) == load(at_home, "# nothing set\n")


def test_only_what_is_written_differs_from_the_defaults(at_home: Path) -> None:
    config = load(at_home, '[door]\nport = 8080\norigins = ["http://his.local"]\n')

    assert replace(Config(at_home), door=DoorConfig("127.0.0.1", 8080, ("http://his.local",))) == (
        config
    )


def test_models_and_downloads_lie_in_the_data_folder(at_home: Path) -> None:
    config = load(at_home, 'data = "elsewhere"\n')

    assert (Path("elsewhere/models"), Path("elsewhere/downloads")) == (
        config.models,
        config.downloads,
    )


def test_another_file_may_be_named(
    at_home: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    file = tmp_path_factory.mktemp("other") / "site.toml"
    file.write_text("[door]\nport = 1\n", "utf-8")

    assert Config(at_home, DoorConfig(port=1)) == load_config(file)


def test_a_named_file_must_exist(at_home: Path) -> None:
    with pytest.raises(ConfigError, match=r"missing\.toml cannot be read"):
        load_config(at_home / "missing.toml")


def test_the_home_folder_falls_back_to_the_systems(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("YIBAO_FACE_HOME", raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", "shared")
    monkeypatch.setenv("PROGRAMDATA", "shared")

    assert Path("shared/yibao-face") == default_home()


def test_an_empty_home_variable_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", "shared")
    monkeypatch.setenv("PROGRAMDATA", "shared")
    monkeypatch.setenv("YIBAO_FACE_HOME", "")

    assert Path("shared/yibao-face") == default_home()


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("prot = 1", "config.toml: unknown key prot"),
        ("[door]\nprot = 1", "config.toml: unknown key door.prot"),
        ("[doors]", "config.toml: unknown key doors"),
        ("[match]\nthreshold = 0.1", "config.toml: unknown key match.threshold"),
        ("[enrolment]\n'人' = 1", "config.toml: unknown key enrolment.人"),
        ("[repeat]\npass_ms = 1", "config.toml: unknown key repeat.pass_ms"),
        ("[liveness]\nwhen = 'never'", "config.toml: unknown key liveness.when"),
        ("[camera]\npin = 'x'", "config.toml: unknown key camera.pin"),
        ("[lockout]\nlock = 1", "config.toml: unknown key lockout.lock"),
        ("[console]\nport = 1", "config.toml: unknown key console.port"),
        ("[attendance]\nroster = []", "config.toml: unknown key attendance.roster"),
        ("[desk]\nward = 'x'", "config.toml: unknown key desk.ward"),
        ("[evidence]\nquota = 1", "config.toml: unknown key evidence.quota"),
        ("[crypto]\nhash = 'sm3'", "config.toml: unknown key crypto.hash"),
    ],
)
def test_an_unknown_key_is_named_with_its_section(at_home: Path, text: str, named: str) -> None:
    with pytest.raises(ConfigError) as refused:
        load(at_home, text)

    assert named == str(refused.value)


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("data = 5", "data = 5"),
        ("[data]", "data = "),
        ("door = 5", "door = 5"),
        ("[[door]]\nport = 1", "door = "),
        ("[door]\nport = '51518'", "door.port = '51518'"),
        ("[door]\nport = 1.0", "door.port = 1.0"),
        ("[door]\nport = true", "door.port = True"),
        ("[door]\nhost = 1", "door.host = 1"),
        ("[door]\norigins = 'http://a'", "door.origins = "),
        ("[camera]\nsilence_s = '3'", "camera.silence_s = '3'"),
        ("[camera]\nmasks = 1", "camera.masks = 1"),
        ("[camera]\nmasks = '[]'", "camera.masks = '[]'"),
        ("[camera]\nmasks = [1]", "camera.masks: polygon 1: 1 is not a point"),
        ("[camera]\nmasks = [[], ['a']]", "camera.masks: polygon 2: 'a' is not a point"),
        ("[camera]\nmasks = [[[0, 1, 1]]]", "camera.masks: polygon 1: [0, 1, 1] is not a point"),
        ("[camera]\nmasks = [[{x = 1}]]", "camera.masks: polygon 1: {'x': 1} is not a point"),
        ("[camera]\nmasks = [[[0, '1']]]", "camera.masks: polygon 1 = '1' is not a float"),
        ("[camera]\nmasks = [[[0, true]]]", "camera.masks: polygon 1 = True is not a float"),
        ("[encounter]\ndeadline_s = true", "encounter.deadline_s = True"),
        ("[encounter]\ndeadline_s = 2026-11-22", "encounter.deadline_s = "),
        ("[enrolment]\nin_call = 1", "enrolment.in_call = 1"),
        ("[enrolment]\nin_call = 'yes'", "enrolment.in_call = 'yes'"),
        ("[door]\ncharset = 1", "door.charset = 1"),
        ("[door]\ntext_plain = 1", "door.text_plain = 1"),
        ("[repeat]\npass_s = '600'", "repeat.pass_s = '600'"),
        ("[liveness]\nchallenge = true", "liveness.challenge = True"),
        ("[liveness]\nactions = 'mouth'", "liveness.actions = 'mouth'"),
        ("[liveness]\nactions = [1]", "liveness.actions = [1]"),
        ("[liveness]\nallow_rgb_only = 0", "liveness.allow_rgb_only = 0"),
        ("[liveness]\ncrop_days = 7.0", "liveness.crop_days = 7.0"),
        ("[camera]\npin_serial = 12", "camera.pin_serial = 12"),
        ("[lockout]\nspoofs = 3.0", "lockout.spoofs = 3.0"),
        ("[lockout]\nspoofs = true", "lockout.spoofs = True"),
        ("[lockout]\nlock_s = true", "lockout.lock_s = True"),
        ("[desk]\ninstitution = 1000200030", "desk.institution = 1000200030"),
        ("[desk]\nround_by = 20:00:00", "desk.round_by = "),
        ("[desk]\nmakeup_hours = 1.5", "desk.makeup_hours = 1.5"),
        ("[desk]\ninpatient_med_types = '21'", "desk.inpatient_med_types = '21'"),
        ("[desk]\ninpatient_med_types = [21]", "desk.inpatient_med_types = [21]"),
    ],
)
def test_a_value_of_another_type_is_named(at_home: Path, text: str, key: str) -> None:
    with pytest.raises(ConfigError) as refused:
        load(at_home, text)

    assert str(refused.value).startswith(f"config.toml: {key}")


@pytest.mark.parametrize("items", ["[1]", "['http://a', true]", "[['http://a']]"])
def test_an_origin_that_is_no_text_is_refused(at_home: Path, items: str) -> None:
    with pytest.raises(ConfigError, match=r"door\.origins"):
        load(at_home, f"[door]\norigins = {items}")


@pytest.mark.parametrize(
    "origin",
    [
        *("", "*", "null", "his.example", "//his.example", "https://", "https://*.his.example"),
        *("https://his.example/", "https://his.example/page", "https://his.example?", "file:///a"),
        *("https://His.example", "HTTPS://his.example", "ftp://his.example", "https://a@b"),
        *("https://his.example:443", "http://his.example:80", "http://his.example:99999"),
        *("http://his.example:", "http://his.example:08080", " http://his.example"),
        *("http://his.example\n", "http://医保.example", "httpſ://his.example"),
    ],
)
def test_an_origin_no_browser_would_send_is_refused(at_home: Path, origin: str) -> None:
    good = replace(Config(at_home), door=DoorConfig(origins=("http://his.example:8080", origin)))
    with pytest.raises(ConfigError, match=r"config\.toml: door\.origins must be like"):
        load(at_home, to_toml(good))


def test_a_whole_number_may_stand_for_seconds(at_home: Path) -> None:
    config = load(at_home, "[encounter]\ndeadline_s = 60")

    assert 60.0 == config.encounter.deadline_s
    assert isinstance(config.encounter.deadline_s, float)


@pytest.mark.parametrize(
    "text", ["[door", "door.port", "port = 1\nport = 2", 'x = "\\q"', "data = 'a", "\x00"]
)
def test_bad_toml_is_refused(at_home: Path, text: str) -> None:
    with pytest.raises(ConfigError, match=r"config\.toml cannot be read"):
        load(at_home, text)


def test_a_file_that_is_not_utf8_is_refused(at_home: Path) -> None:
    (at_home / "config.toml").write_bytes("data = '资料'".encode("gbk"))

    with pytest.raises(ConfigError, match=r"config\.toml cannot be read"):
        load_config()


def test_a_file_saved_with_a_byte_order_mark_loads(at_home: Path) -> None:
    (at_home / "config.toml").write_bytes("[door]\r\nport = 1\r\n".encode("utf-8-sig"))

    assert 1 == load_config().door.port


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("[door]\nhost = '0.0.0.0'", "door.host"),
        ("[door]\nhost = '192.168.1.10'", "door.host"),
        ("[door]\nhost = ''", "door.host"),
        ("[door]\nhost = '127.0.0.1.example.org'", "door.host"),
        ("[door]\nport = -1", "door.port"),
        ("[door]\nport = 65536", "door.port"),
        ("[encounter]\ndeadline_s = 0", "encounter.deadline_s"),
        ("[encounter]\ndeadline_s = -1", "encounter.deadline_s"),
        ("[encounter]\ndeadline_s = nan", "encounter.deadline_s"),
        ("[encounter]\ndeadline_s = inf", "encounter.deadline_s"),
        ("[encounter]\ncapture_s = 0", "encounter.capture_s"),
        ("[encounter]\ncapture_s = 301", "encounter.capture_s"),
        ("[camera]\nsilence_s = 0", "camera.silence_s"),
        ("[enrolment]\ncounter_s = 0", "enrolment.counter_s"),
        ("[match]\nmargin = -0.01", "match.margin"),
        ("[match]\nmargin = 0.5", "match.margin"),
        ("[match]\nmargin = nan", "match.margin"),
        ("[door]\ncharset = 'GBK'", "door.charset"),
        ("[door]\ncharset = ''", "door.charset"),
        ("[door]\ncharset = 'latin-1'", "door.charset"),
        ("[repeat]\npass_s = -1", "repeat.pass_s"),
        ("[liveness]\nchallenge = 'sometimes'", "liveness.challenge"),
        ("[liveness]\nchallenge = ''", "liveness.challenge"),
        ("[liveness]\nchallenge_amount = -1", "liveness.challenge_amount"),
        ("[liveness]\nchallenge_amount = 10000001", "liveness.challenge_amount"),
        ("[liveness]\nchallenge_amount = nan", "liveness.challenge_amount"),
        ("[liveness]\nactions = []", "liveness.actions"),
        ("[liveness]\nactions = ['blink']", "liveness.actions"),
        ("[liveness]\nactions = ['mouth', 'smile']", "liveness.actions"),
        ("[liveness]\ncrop_days = 0", "liveness.crop_days"),
        ("[liveness]\ncrop_days = 31", "liveness.crop_days"),
        ("[evidence]\nquota_mb = 0", "evidence.quota_mb"),
        ("[evidence]\nquota_mb = 1048577", "evidence.quota_mb"),
        ("[crypto]\nsuite = 'SM'", "crypto.suite"),
        ("[camera]\npin_usb_id = '2bc5'", "camera.pin_usb_id"),
        ("[camera]\npin_usb_id = '0000:0000'", "camera.pin_usb_id"),
        ("[camera]\npin_usb_id = 'zzzz:0402'", "camera.pin_usb_id"),
        ("[camera]\nidle_s = -2", "camera.idle_s"),
        ("[camera]\nidle_s = nan", "camera.idle_s"),
        ("[camera]\npeek_s = -1", "camera.peek_s"),
        ("[camera.settings]\nwidth = 64", "camera.settings.width and height"),
        ("[camera.settings]\nheight = 8192", "camera.settings.width and height"),
        ("[camera.settings]\nfps = 0", "camera.settings.fps"),
        ("[camera.settings]\nmains_hz = 55", "camera.settings.mains_hz"),
        ("[camera.settings]\nexposure_ms = nan", "camera.settings.exposure_ms"),
        ("[camera.settings]\nfov_deg = 5", "camera.settings.fov_deg"),
        ("[camera.settings]\nsha256 = 'ABC'", "camera.settings.sha256"),
        ("[repeat]\npass_s = 3601", "repeat.pass_s"),
        ("[repeat]\npass_s = nan", "repeat.pass_s"),
        ("[lockout]\nspoofs = -1", "lockout.spoofs"),
        ("[lockout]\nspoofs = 101", "lockout.spoofs"),
        ("[lockout]\nwindow_s = 0", "lockout.window_s"),
        ("[lockout]\nwindow_s = 86401", "lockout.window_s"),
        ("[lockout]\nlock_s = 0", "lockout.lock_s"),
        ("[lockout]\nlock_s = inf", "lockout.lock_s"),
        ("[console]\nidle_min = 0.5", "console.idle_min"),
        ("[console]\nidle_min = 241", "console.idle_min"),
        ("[attendance]\nduplicate_s = -1", "attendance.duplicate_s"),
        ("[attendance]\nduplicate_s = 3601", "attendance.duplicate_s"),
        ("[attendance]\nclock_tolerance_s = -1", "attendance.clock_tolerance_s"),
        ("[attendance]\nclock_tolerance_s = nan", "attendance.clock_tolerance_s"),
        ("[desk]\nround_by = '8:00'", "desk.round_by"),
        ("[desk]\nround_by = '24:00'", "desk.round_by"),
        ("[desk]\nround_by = '20:00:00'", "desk.round_by"),
        ("[desk]\nround_by = '20:00+08:00'", "desk.round_by"),
        ("[desk]\nround_by = ''", "desk.round_by"),
        ("[desk]\nmakeup_hours = -1", "desk.makeup_hours"),
        ("[centre]\nurl = 'http://centre:51519'", "centre.url"),
        ("[centre]\nurl = 'https://'", "centre.url"),
        ("[centre]\nurl = 'https://centre:99999'", "centre.url"),
        ("[centre]\nurl = 'https://centre/v1'", "centre.url"),
        ("[centre]\nurl = 'https://me@centre'", "centre.url"),
        ("[centre]\nurl = 'https://cen tre'", "centre.url"),
        ("[ui]\nscreen = -1", "ui.screen"),
        ("[ui]\nvolume = 101", "ui.volume"),
        ("[ui]\nlanguage = 'fr'", "ui.language"),
        ("[ui]\ncontrast = 'low'", "ui.contrast"),
        ("[desk]\nmakeup_hours = 241", "desk.makeup_hours"),
    ],
)
def test_a_value_beyond_its_limits_is_refused(at_home: Path, text: str, rule: str) -> None:
    with pytest.raises(ConfigError) as refused:
        load(at_home, text)

    assert str(refused.value).startswith(f"config.toml: {rule} must be")


CORNER = "[[0, 0], [0.5, 0], [0, 0.5]]"


def test_masks_are_polygons_in_shares_of_the_picture(at_home: Path) -> None:
    masks = load(at_home, f"[camera]\nmasks = [{CORNER}, {CORNER}]").camera.masks

    assert (((0.0, 0.0), (0.5, 0.0), (0.0, 0.5)),) * 2 == masks
    assert all(type(share) is float for mask in masks for point in mask for share in point)


@pytest.mark.parametrize(
    ("masks", "told"),
    [
        (f"[{', '.join([CORNER] * 5)}]", "polygon 5: at most 4 are allowed"),
        (f"[{CORNER}, []]", "polygon 2: has 0 points, not 3..16"),
        (f"[{CORNER}, [[0, 0], [1, 1]]]", "polygon 2: has 2 points, not 3..16"),
        (f"[[{', '.join(['[0, 0]'] * 17)}]]", "polygon 1: has 17 points, not 3..16"),
        (f"[{CORNER}, {CORNER}, [[0, 0], [1.1, 0], [0, 1]]]", "polygon 3: has a point outside"),
        ("[[[0, 0], [1, 0], [0, -0.1]]]", "polygon 1: has a point outside 0..1"),
        ("[[[0, 0], [nan, 0], [0, 1]]]", "polygon 1: has a point outside 0..1"),
        (f"[[[0, 0], [1, 0], [0, 1{'0' * 400}]]]", "polygon 1: has a point outside 0..1"),
        ("[[[0, 0], [0.5, 0.5], [1, 1]]]", "polygon 1: encloses nothing"),
    ],
)
def test_a_mask_that_is_none_is_refused_by_number(at_home: Path, masks: str, told: str) -> None:
    with pytest.raises(ConfigError) as refused:
        load(at_home, f"[camera]\nmasks = {masks}")

    assert str(refused.value).startswith(f"config.toml: camera.masks: {told}")


@pytest.mark.parametrize("key", ["max_agents", "max_cards"])
def test_fewer_than_no_agents_or_cards_are_refused(at_home: Path, key: str) -> None:
    with pytest.raises(ConfigError, match="must not be negative"):
        load(at_home, f"[desk]\n{key} = -1")


def test_a_code_of_an_institution_that_is_too_long_is_refused(at_home: Path) -> None:
    assert "9" * 20 == load(at_home, f"[desk]\ninstitution = '{'9' * 20}'").desk.institution
    with pytest.raises(ConfigError, match=r"desk\.institution has over 20 characters"):
        load(at_home, f"[desk]\ninstitution = '{'9' * 21}'")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[repeat]\npass_s = 0", replace(Config(Path()), repeat=RepeatConfig(0.0))),
        ("[lockout]\nspoofs = 0", replace(Config(Path()), lockout=LockoutConfig(0))),
        (
            "[attendance]\nduplicate_s = 0\nclock_tolerance_s = 0",
            replace(Config(Path()), attendance=AttendanceConfig(0.0, 0.0)),
        ),
        (
            "[desk]\nround_by = '00:00'\nmakeup_hours = 0\nmax_agents = 0\nmax_cards = 0",
            replace(Config(Path()), desk=DeskConfig("", "00:00", 0, 0, 0)),
        ),
        (
            "[desk]\ninpatient_med_types = []",
            replace(Config(Path()), desk=DeskConfig(inpatient_med_types=())),
        ),
    ],
)
def test_what_a_site_may_switch_off_is_taken(at_home: Path, text: str, expected: Config) -> None:
    assert replace(expected, data=at_home) == load(at_home, text)


def test_a_number_too_large_for_a_float_is_refused(at_home: Path) -> None:
    with pytest.raises(ConfigError, match=r"encounter\.deadline_s"):
        load(at_home, f"[encounter]\ndeadline_s = 1{'0' * 400}")
