"""What the centre counts of itself and writes into its log: nothing that names anybody."""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import threading
import urllib.request
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from center_bed import DEVICE, INSTITUTION, Site, chained, head, record, run_of, running, statuses
from harness import wait_for
from prometheus_client.parser import text_string_to_metric_families

from yibao_face.sync.center.api import CenterError, Limits, unix_ms
from yibao_face.sync.center.http.metrics import metrics_site, metrics_text, part_of
from yibao_face.sync.center.log import JsonLines

NAME = "张三丰"
NUMBER = "32010219800101123X"


def samples(site: Site) -> dict[tuple[str, ...], float]:
    """Every sample by its name and the values of its labels."""
    text = metrics_text(part_of(site.center)).decode()
    return {
        (sample.name.removeprefix("yibao_center_"), *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_batches_records_rejects_and_alarms_are_counted(site: Site) -> None:
    machine, sent = site.machine(), run_of(1, 3)
    machine.batch(sent)
    machine.batch([*sent, {**run_of(4, 4)[0], "code": 2}])
    machine.batch(chained([record(1, code=0)]), sent_ms=unix_ms() - 24 * 3600_000)

    found = samples(site)
    assert 3 == found["batches_total",]
    assert (3, 3, 1, 1) == tuple(
        found["records_total", status] for status in ("new", "dup", "conflict", "reject")
    )
    assert 1 == found["rejects_total", "hash is not that of prev and the content"]
    assert (1, 1) == (found["alarms_total", "conflict"], found["alarms_total", "clock-skew"])
    assert 3 == found["batch_seconds_count",]
    assert (1, 1) == (found["devices",], found["devices_active",])
    assert found["disk_free_bytes",] > 0


def test_what_counters_have_and_the_centre_has_not_is_seen(site: Site) -> None:
    sent = run_of(1, 9)
    site.machine().batch([sent[0], sent[4]], head=head(sent[8]))

    found = samples(site)
    assert (4, 3) == (found["backlog_records",], found["missing_records",])
    assert 0 <= found["backlog_age_seconds",] < 60


def test_a_device_that_fell_silent_with_records_to_send_is_told_by_its_age(tmp_path: Path) -> None:
    clock = [unix_ms()]
    with running(tmp_path, clock=lambda: clock[0]) as site:
        sent = run_of(1, 5)
        site.machine().batch(sent[:1], head=head(sent[4]))
        clock[0] += 3600_000

        found = samples(site)
        assert (3600, 4) == (found["backlog_age_seconds",], found["backlog_records",])
        assert (1, 0) == (found["devices",], found["devices_active",])


def test_refusals_evidence_and_waiters_are_counted(embedded: Site) -> None:
    machine, stranger = embedded.machine(), embedded.stranger()
    data = b"sealed" * 100
    for _ in range(2):
        machine.call("PUT", f"/v1/evidence/{hashlib.sha256(data).hexdigest()}", data)
    stranger.batch(run_of(1, 1))
    stranger.call("GET", "/nothing")
    waiting = threading.Thread(target=lambda: embedded.machine().call("GET", "/v1/pull?wait=3"))
    waiting.start()
    wait_for(lambda: samples(embedded)["pull_waiters",] == 1)
    waiting.join(20)

    found = samples(embedded)
    assert 600 == found["evidence_bytes_total",]
    assert 1 == found["refused_total", "no-certificate", "batch"]
    assert 1 == found["refused_total", "no-certificate", "none"]
    assert (0, 0) == (found["waiting", "batch"], found["waiting", "evidence"])


def test_a_crowded_gate_is_seen_while_it_is_crowded(tmp_path: Path) -> None:
    with running(tmp_path, limits=Limits(working=1, waiting=1)) as site:
        machines = [site.machine(f"counter-{n}") for n in range(6)]
        threads = [
            threading.Thread(
                target=machine.batch,
                args=(chained(record(1000 * n + k) for k in range(1, 150)),),
                kwargs={"device": f"counter-{n}"},
            )
            for n, machine in enumerate(machines)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)

        assert samples(site)["refused_total", "busy", "batch"] >= 1


def test_labels_hold_no_device_no_institution_and_no_id(site: Site) -> None:
    [one] = run_of(1, 1)
    machine = site.machine()
    machine.batch([{**one, "deal_no": NAME * 200}, {**one, "id": NUMBER}, {**one, NUMBER: 1}])
    machine.call("GET", f"/{NUMBER}")
    machine.call("PUT", f"/v1/evidence/{NUMBER}", b"x")

    text = metrics_text(part_of(site.center)).decode()
    for secret in (NAME, NUMBER, DEVICE, INSTITUTION, one["id"], one["person"], one["deal_no"]):
        assert secret not in text


def test_reasons_never_make_labels_without_end(embedded: Site) -> None:
    for n in range(200):
        embedded.center.metrics.batch({}, [f"reason {n}"], ())

    reasons = [key for key in samples(embedded) if key[0] == "rejects_total"]
    assert 65 == len(reasons)


def test_the_metrics_are_served_on_the_loopback_address_only(embedded: Site) -> None:
    async def asked() -> tuple[int, str, str]:
        async with metrics_site(part_of(embedded.center), 0) as port:
            url = f"http://127.0.0.1:{port}/metrics"
            answer = await asyncio.to_thread(urllib.request.urlopen, url, None, 10)
            with pytest.raises(CenterError, match="cannot be opened"):
                async with metrics_site(part_of(embedded.center), port):
                    pass
            return answer.status, answer.headers["Content-Type"], answer.read().decode()

    status, kind, text = asyncio.run(asked())
    assert (200, "text/plain; version=0.0.4; charset=utf-8") == (status, kind)
    assert "yibao_center_batches_total 0.0" in text


@pytest.fixture
def lines() -> Generator[list[str], None, None]:
    """What goes to the log as JSON lines, of whichever logger."""
    found: list[str] = []

    class Kept(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            found.append(self.format(record))

    handler, root = Kept(), logging.getLogger()
    handler.setFormatter(JsonLines())
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    yield found
    root.removeHandler(handler)
    root.setLevel(level)


def test_log_lines_are_json_and_name_nobody(site: Site, lines: list[str]) -> None:
    sent = chained(
        record(n, deal_no=NUMBER, person=NUMBER, detail=json.dumps({"who": NAME}))
        for n in range(1, 4)
    )
    machine = site.machine()
    assert ["new"] * 3 == statuses(machine.batch(sent))
    bad: list[Any] = [{**sent[0], "cause": NAME * 200}, {**sent[1], "id": NUMBER}, NAME]
    machine.batch([*bad, *chained([record(1, deal_no=NAME)])])
    machine.post("/v1/batch", {NAME: NUMBER})
    machine.call("GET", f"/{NUMBER}")
    logging.getLogger("aiohttp.server").error("request of %s failed", NUMBER)
    try:
        int(NUMBER)
    except ValueError:
        logging.getLogger("aiohttp.server").exception("Error handling request")

    told = [json.loads(line) for line in lines]
    assert {"at", "level", "event"} <= set.intersection(*(set(line) for line in told))
    assert {"batch", "alarm", "record rejected", "refused", "log"} <= {t["event"] for t in told}
    assert "ValueError" in {line.get("error") for line in told}
    for line in lines:
        for secret in (NAME, NUMBER, *(one["id"] for one in sent), sent[0]["person"]):
            assert secret not in line
            assert json.dumps(secret)[1:-1] not in line
