"""The daemon and its centre: what is settled arrives there, and no answer ever waits for it."""

from __future__ import annotations

import json
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from center_bed import INSTITUTION
from harness import FIRST, Running, his_call, put_before_camera, running, unpaced, wait_for
from sqlalchemy import select
from uplink_bed import Centre, bind, centre

from yibao_face.daemon.clock import Clock
from yibao_face.daemon.config import Config
from yibao_face.daemon.core.scene.event import Event
from yibao_face.daemon.gallery.evidence import Evidence
from yibao_face.daemon.gallery.keeper import REGISTRATION
from yibao_face.daemon.section import CentreConfig
from yibao_face.sync.api import Query
from yibao_face.sync.center.api import unix_ms
from yibao_face.sync.center.office.store.tables import HEALTH
from yibao_face.sync.center.store.database import rows


@pytest.fixture
def center(tmp_path_factory: pytest.TempPathFactory) -> Generator[Centre, None, None]:
    """A running centre."""
    with centre(tmp_path_factory.mktemp("center")) as made:
        yield made


@pytest.fixture
def linked(cast: Config, center: Centre) -> Config:
    """Two persons enrolled, a centre configured, the machine not bound yet."""
    return replace(cast, centre=CentreConfig(center.place.url))


@contextmanager
def serving(config: Config, clock: Clock | None = None) -> Generator[Running, None, None]:
    with running(config, camera=unpaced(config), clock=clock) as site:
        site.daemon.link.start()
        yield site


def health(site: Running) -> dict[str, Any]:
    found: dict[str, Any] = site.caller.health()["centre"]
    return found


def call(site: Running) -> dict[str, Any]:
    return site.caller.authenticate(his_call(FIRST, fixmedins_code=INSTITUTION))


def test_a_settled_call_reaches_the_centre(linked: Config, center: Centre, clips: Path) -> None:
    bind(linked, center)
    put_before_camera(linked, clips, "live-first")
    with serving(linked) as site:
        assert 1 == call(site)["code"]
        wait_for(lambda: health(site)["state"] == "online" and not health(site)["waiting"])
        told = health(site)

    [row] = [row for row in center.stored() if row["kind"] == "settlement"]
    assert (1, "matched-self", "counter-1") == (row["code"], row["cause"], row["device"])
    assert {} == center.alarms()
    assert ("counter-1", INSTITUTION, 0) == (told["device"], told["institution"], told["dead"])
    assert abs(told["clock_offset_ms"]) < 5000
    assert not told["clock_skewed"]
    assert told["certificate_until_ms"] > unix_ms()


def test_the_centre_hears_how_the_machine_is_and_that_it_ends(
    linked: Config, center: Centre
) -> None:
    bind(linked, center)
    with serving(linked) as site:
        wait_for(lambda: health(site)["state"] == "online")

    with center.center.database.reading() as db:
        [row] = rows(db, select(HEALTH))
    # A recording: nobody watches over it.
    assert ("counter-1", "unknown", True) == (row["device"], row["camera"], row["stopping"])
    assert row["power"] in ("mains", "battery", "unknown")
    assert {"program", "python", "system"} == json.loads(row["versions"]).keys()
    assert {} == center.alarms()


def test_without_a_centre_health_says_none(cast: Config) -> None:
    with serving(cast) as site:
        told = health(site)

    assert ("none", "", None, 0) == (
        told["state"],
        told["reason"],
        told["since_ms"],
        told["waiting"],
    )


def test_an_unbound_machine_works_locally_and_says_so_once(
    linked: Config, center: Centre, clips: Path, caplog: pytest.LogCaptureFixture
) -> None:
    put_before_camera(linked, clips, "live-first")
    with serving(linked) as site:
        assert 1 == call(site)["code"]
        wait_for(lambda: health(site)["state"] == "unbound")
        assert health(site)["waiting"] >= 1
        # Bound while it runs, it sends what it has.
        bind(linked, center)
        wait_for(lambda: health(site)["state"] == "online" and not health(site)["waiting"])

    assert ["settlement"] == [row["kind"] for row in center.stored()]
    assert 1 == caplog.text.count("not bound to the centre, works locally")


def test_answers_do_not_wait_for_a_centre_that_is_down(
    linked: Config, center: Centre, clips: Path
) -> None:
    bind(linked, center)
    down = replace(linked, centre=CentreConfig("https://localhost:1"))
    put_before_camera(linked, clips, "live-first")
    with serving(down) as site:
        wait_for(lambda: health(site)["state"] == "offline")
        begun = time.monotonic()
        assert 1 == call(site)["code"]
        taken_s = time.monotonic() - begun
        assert ("no-answer", True) == (health(site)["reason"], health(site)["waiting"] >= 1)
    assert taken_s < linked.encounter.deadline_s / 2

    # What waited goes when the centre is back.
    with serving(linked) as site:
        wait_for(lambda: health(site)["state"] == "online" and not health(site)["waiting"])
    assert ["settlement"] == [row["kind"] for row in center.stored()]


def test_a_damaged_identity_stops_no_answer(linked: Config, center: Centre, clips: Path) -> None:
    bind(linked, center)
    (linked.data / "link" / "identity.pem").write_bytes(b"damaged")
    put_before_camera(linked, clips, "live-first")
    with serving(linked) as site:
        assert 1 == call(site)["code"]
        wait_for(lambda: health(site)["state"] == "refused")
        assert "identity" == health(site)["reason"]


def test_photographs_kept_as_evidence_are_sent_sealed(linked: Config, center: Centre) -> None:
    bind(linked, center)
    photo = b"\xff\xd8 a photograph"
    with serving(linked) as site:
        name = Evidence(linked.data / "evidence", site.daemon.ledger.vault).put(photo)
        site.daemon.desk.keeper.kept(name, REGISTRATION, "", unix_ms())
        wait_for(lambda: [*center.folder.glob("evidence/*/*/*")])

    [file] = center.folder.glob("evidence/*/*/*")
    assert (linked.data / "evidence" / name).read_bytes() == file.read_bytes()
    assert photo not in file.read_bytes()


def test_where_evidence_stays_none_is_sent(linked: Config, center: Centre) -> None:
    bind(linked, center)
    config = replace(linked, centre=replace(linked.centre, evidence=False))
    with serving(config) as site:
        kept = Evidence(linked.data / "evidence", site.daemon.ledger.vault).put(b"a photograph")
        site.daemon.desk.keeper.kept(kept, REGISTRATION, "", unix_ms())
        wait_for(lambda: health(site)["state"] == "online")
        time.sleep(0.5)

    assert [] == [*center.folder.glob("evidence/*/*/*")]


def clock_alarms(site: Running) -> list[Event]:
    alarms = site.daemon.ledger.events(Query(kinds=("alarm",)))
    return [alarm for alarm in alarms if alarm.detail.get("what") == "clock"]


def test_a_skewed_clock_is_one_alarm_on_record(linked: Config, center: Centre) -> None:
    bind(linked, center)
    day_ms = 86_400_000
    with serving(linked, Clock(unix_ms=lambda: unix_ms() - day_ms)) as site:
        wait_for(lambda: health(site)["clock_skewed"] and clock_alarms(site))
        [alarm] = clock_alarms(site)

    assert "skewed" == alarm.detail["state"]
    assert abs(alarm.detail["offset_s"] - day_ms // 1000) < 60


PHARMACIST = {"id": FIRST, "name": "张三"}


def sign(site: Running) -> dict[str, Any]:
    body = {"ID": FIRST, "name": "张三", "fixmedins_code": INSTITUTION, "fixmedins_name": "店"}
    return site.caller.attend(json.dumps(body, ensure_ascii=False).encode())


def roster(site: Running) -> None:
    form = {"institution": INSTITUTION, "practitioners": [PHARMACIST], "staff": "1001"}
    assert site.caller.act("roster", form)["ok"]


def test_a_sign_carries_the_centres_clock_as_evidence(
    linked: Config, center: Centre, clips: Path
) -> None:
    bind(linked, center)
    put_before_camera(linked, clips, "live-first")
    with serving(linked) as site:
        wait_for(lambda: health(site)["state"] == "online")
        roster(site)
        assert 0 == sign(site)["code"]
        [signed] = site.daemon.ledger.events(Query(kinds=("attendance",)))

    assert abs(signed.detail["centre_offset_ms"]) < 5000


def test_a_clock_a_day_behind_the_centres_signs_nobody(
    linked: Config, center: Centre, clips: Path
) -> None:
    bind(linked, center)
    day_ms = 86_400_000
    behind = [0]
    put_before_camera(linked, clips, "live-first")
    with serving(linked, Clock(unix_ms=lambda: unix_ms() - behind[0])) as site:
        wait_for(lambda: health(site)["state"] == "online")
        # Set back while the cable is out, before the first record of the day: the log alone
        # could not tell.
        behind[0] = day_ms
        roster(site)
        answer = sign(site)
        [refused] = site.daemon.ledger.events(Query(kinds=("attendance",)))

    assert answer["code"] != 0
    assert "clock-set-back" == refused.cause.value
    assert abs(refused.detail["centre_offset_ms"] - day_ms) < 60_000


def test_a_clock_a_day_ahead_of_the_centres_signs_nobody_for_tomorrow(
    linked: Config, center: Centre, clips: Path
) -> None:
    bind(linked, center)
    put_before_camera(linked, clips, "live-first")
    with serving(linked, Clock(unix_ms=lambda: unix_ms() + 86_400_000)) as site:
        wait_for(lambda: health(site)["clock_skewed"])
        roster(site)

        assert "clock-ahead" in sign(site)["msg"]


def test_a_clock_set_back_before_a_start_without_a_network_signs_nobody(
    linked: Config, center: Centre, clips: Path
) -> None:
    bind(linked, center)
    put_before_camera(linked, clips, "live-first")
    with serving(linked) as site:
        wait_for(lambda: health(site)["state"] == "online")
    yesterday = Clock(unix_ms=lambda: unix_ms() - 86_400_000)
    cut_off = replace(linked, centre=replace(linked.centre, in_daemon=False))
    with serving(cut_off, yesterday) as site:
        roster(site)
        answer = sign(site)
        # Somebody of the counter who vouches for that clock does not outweigh the centre.
        site.caller.act("clock", {"institution": INSTITUTION, "staff": "1001"})
        again = sign(site)

    assert [True, True] == ["clock-set-back" in a["msg"] for a in (answer, again)]


def test_who_waits_in_another_process_is_told_by_the_one_that_sends(
    linked: Config, center: Centre
) -> None:
    bind(linked, center)
    aside = replace(linked, centre=replace(linked.centre, in_daemon=False))
    with serving(aside) as site:
        assert ("offline", "not-running") == (health(site)["state"], health(site)["reason"])
        assert [] == center.script.batches
