"""What `config` prints loads back: every key, every section, whatever stands in it."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from yibao_face.daemon.config import Config, load_config, to_toml
from yibao_face.daemon.section import (
    CHARSETS,
    CONTRASTS,
    SUITES,
    AttendanceConfig,
    CameraConfig,
    CentreConfig,
    ConsoleConfig,
    CryptoConfig,
    DeskConfig,
    DoorConfig,
    EncounterConfig,
    EnrolmentConfig,
    EvidenceConfig,
    LanConfig,
    LivenessConfig,
    LockoutConfig,
    MatchConfig,
    RepeatConfig,
    UiConfig,
)
from yibao_face.drivers.driver import Settings

# Tab and newline are the control characters people write; the others have a test of their own.
ORIGINS = st.builds(
    "{}://{}{}".format,
    st.sampled_from(["http", "https"]),
    st.sampled_from(["his.example", "10.0.0.8", "[fd00::8]"]),
    st.sampled_from(["", ":8080"]),
)
TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]) | st.sampled_from("\n\t"))
# A triangle that encloses something, and any points beside it.
MASKS = st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), max_size=13).map(
    lambda points: ((0.0, 0.0), (1.0, 0.0), (0.5, 0.25), *points)
)
CONFIGS = st.builds(
    Config,
    data=TEXT.map(Path),
    door=st.builds(
        DoorConfig,
        host=st.sampled_from(["127.0.0.1", "::1", "localhost"]),
        port=st.integers(0, 65535),
        origins=st.lists(ORIGINS, max_size=3).map(tuple),
        charset=st.sampled_from(CHARSETS),
        text_plain=st.booleans(),
    ),
    camera=st.builds(
        CameraConfig,
        uri=TEXT,
        silence_s=st.floats(0, 60, exclude_min=True, width=64),
        masks=st.lists(MASKS, max_size=4).map(tuple),
        pin_usb_id=st.sampled_from(["", "2bc5:0402", " 2BC5:0402 "]),
        pin_serial=TEXT,
        pin_path=TEXT,
        pin_firmware=TEXT,
        idle_s=st.floats(-1, 86_400),
        preopen=st.booleans(),
        peek_s=st.floats(0, 3600),
        settings=st.builds(
            Settings,
            width=st.integers(160, 4096),
            height=st.integers(160, 4096),
            fps=st.integers(1, 120),
            mains_hz=st.sampled_from([0, 50, 60]),
            exposure_ms=st.floats(0, 1000),
            emitter=st.booleans(),
            strobe=st.booleans(),
            fov_deg=st.floats(10, 170),
            infrared=TEXT,
            calibration=TEXT,
            runtime=TEXT,
            sha256=st.sampled_from(["", "0" * 64]),
            credentials=TEXT,
        ),
    ),
    encounter=st.builds(
        EncounterConfig,
        deadline_s=st.floats(0, 3600, exclude_min=True),
        capture_s=st.floats(0, 300, exclude_min=True),
    ),
    enrolment=st.builds(
        EnrolmentConfig,
        in_call=st.booleans(),
        consent_version=TEXT,
        consent_text=TEXT,
        counter_s=st.floats(0, 300, exclude_min=True),
    ),
    match=st.builds(MatchConfig, margin=st.floats(0, 0.5, exclude_max=True), grow=st.booleans()),
    liveness=st.builds(
        LivenessConfig,
        challenge=st.sampled_from(["never", "after-reject", "above-amount", "always"]),
        challenge_amount=st.floats(0, 10**7),
        actions=st.lists(st.sampled_from(["turn-left", "turn-right", "blink"])).map(
            lambda others: ("mouth", *others)
        ),
        allow_rgb_only=st.booleans(),
        keep_attack_crops=st.booleans(),
        crop_days=st.integers(1, 30),
    ),
    repeat=st.builds(RepeatConfig, pass_s=st.floats(0, 3600)),
    lockout=st.builds(
        LockoutConfig,
        spoofs=st.integers(0, 100),
        window_s=st.floats(0, 86_400, exclude_min=True),
        lock_s=st.floats(0, 86_400, exclude_min=True),
    ),
    console=st.builds(ConsoleConfig, enabled=st.booleans(), idle_min=st.floats(1, 240)),
    attendance=st.builds(
        AttendanceConfig,
        duplicate_s=st.floats(0, 3600),
        clock_tolerance_s=st.floats(0, 3600),
    ),
    desk=st.builds(
        DeskConfig,
        institution=st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), max_size=20),
        round_by=st.times().map(lambda at: f"{at:%H:%M}"),
        makeup_hours=st.integers(0, 240),
        max_agents=st.integers(0, 1000),
        max_cards=st.integers(0, 1000),
        inpatient_med_types=st.lists(TEXT, max_size=4).map(tuple),
    ),
    centre=st.builds(
        CentreConfig,
        url=st.sampled_from(["", "https://centre.example", "https://10.0.0.8:51519"]),
        in_daemon=st.booleans(),
        evidence=st.booleans(),
    ),
    evidence=st.builds(EvidenceConfig, quota_mb=st.integers(1, 1_048_576)),
    crypto=st.builds(CryptoConfig, suite=st.sampled_from(SUITES)),
    ui=st.builds(
        UiConfig,
        window=st.booleans(),
        screen=st.integers(0, 8),
        volume=st.integers(0, 100),
        language=st.sampled_from(["zh", "en"]),
        contrast=st.sampled_from(CONTRASTS),
    ),
    lan=st.builds(
        LanConfig,
        enabled=st.booleans(),
        host=st.sampled_from(["10.0.0.5", "0.0.0.0"]),  # noqa: S104  # never bound
        port=st.integers(0, 65535),
        calls_per_min=st.integers(1, 6000),
    ),
)
AWKWARD = "".join(('C:\\资料\\"新"\t', "\n'", "\\n # [door]"))


@pytest.fixture
def at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The data folder of this test, named by the environment."""
    monkeypatch.setenv("YIBAO_FACE_HOME", str(tmp_path))
    return tmp_path


def load(home: Path, text: str) -> Config:
    (home / "config.toml").write_bytes(text.encode())
    return load_config()


@settings(deadline=None)
@given(config=CONFIGS)
@example(
    Config(
        Path("资料"),
        DoorConfig(origins=("http://his.example", "https://10.0.0.8:8443")),
        CameraConfig(f"replay:{AWKWARD}", masks=(((0.0, 0.0), (1.0, 0.0), (1e-7, 1.0)),)),
        enrolment=EnrolmentConfig(consent_text=AWKWARD),
    )
)
def test_what_is_printed_loads_back_equal(
    tmp_path_factory: pytest.TempPathFactory, config: Config
) -> None:
    file = tmp_path_factory.getbasetemp() / "printed.toml"
    file.write_bytes(to_toml(config).encode())

    assert config == load_config(file)


@pytest.mark.parametrize("character", ["\r", "\x00", "\x08", "\x1b", "\x7f"])
def test_control_characters_are_printed_so_that_they_load_back(
    at_home: Path, character: str
) -> None:
    config = Config(at_home, enrolment=EnrolmentConfig(consent_text=f"同意{character}的"))

    assert config == load(at_home, to_toml(config))


def test_every_key_is_printed() -> None:
    config = Config(Path("home"))
    lines = to_toml(config).splitlines()
    sections = {field.name: getattr(config, field.name) for field in fields(config)}
    del sections["data"]
    sections["camera.settings"] = config.camera.settings

    for name, section in sections.items():
        at = lines.index(f"[{name}]")
        keys = [f.name for f in fields(section) if f"{name}.{f.name}" not in sections]
        assert keys == [line.partition(" = ")[0] for line in lines[at + 1 : at + 1 + len(keys)]]
