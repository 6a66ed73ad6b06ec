"""By systemd, on a booted counter: the service, and updates by the command the timer runs."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from pathlib import Path

from yibao_face.installer.command import PackageError, run, say
from yibao_face.installer.linux.trial.room import Room
from yibao_face.installer.linux.trial.vendor import Vendor
from yibao_face.installer.linux.trial.word import expect, refused
from yibao_face.installer.update.swap.hands import health_of

SERVICE = "yibao-face.service"
UNITS = ("yibao-face", "yibao-face-link", "yibao-face-update")
# systemd's own measure of exposure, 0 (none) to 10; more is a rule that was lost. The updater
# keeps four of root's rights.
MOST_EXPOSED = {"yibao-face": 1.6, "yibao-face-link": 1.4, "yibao-face-update": 2.6}
READY_S = 2.0
_USUAL = "[install]\norg_code = H44010000001\ncamera = replay:/clip.rgbd\n"
_STARTED = re.compile(r"ready http://\S+ after ([0-9.]+) s")
# With what the smallest Debian has.
_ASK = """perl -MIO::Socket::INET -e '
my $daemon = IO::Socket::INET->new("127.0.0.1:51518") or exit;
print $daemon "GET /health HTTP/1.0\\r\\nHost: 127.0.0.1\\r\\n\\r\\n";
print map { s/\\r//r } <$daemon>'"""


def serve_and_update(room: Room, deb: str, version: str, vendor: Vendor) -> None:
    """In a booted room. ``vendor``: signed a newer version, and one still newer that is no use."""
    room.write("etc/yibao-face/answer.ini", _USUAL)
    room.run(f"dpkg -i /{deb}")
    judge_units(room)
    tell_report(room)
    watch_service(room)
    room.write("opt/yibao-face/update/root.json", vendor.root.read_text("utf-8"))
    take_good(room, deb, version, vendor)
    leave_bad(room, vendor)
    room.run("dpkg -P yibao-face")
    left = [place for place in ("opt/yibao-face", "var/lib/yibao-face") if room.exists(place)]
    expect(not left, f"purged: also what the updater laid {left or ''}")


def judge_units(room: Room) -> None:
    """Whether systemd finds anything wrong, and how much each could do, by its own measure."""
    folder = "/usr/lib/systemd"
    told = room.run(f"systemd-analyze verify --man=no {folder}/system/yibao-face*")
    told += room.run(
        f"XDG_RUNTIME_DIR=/tmp systemd-analyze verify --man=no --user {folder}/user/yibao-face*"
    )
    expect("yibao-face" not in told, f"systemd finds nothing wrong with the units {told}".rstrip())
    for unit in UNITS:
        file = room.path / "usr/lib/systemd/system" / f"{unit}.service"
        limit = f"--threshold={round(MOST_EXPOSED[unit] * 10)}"
        said = run(["systemd-analyze", "security", "--offline=yes", limit, file])
        say(f"  {said.strip().splitlines()[-1].strip()}")


def tell_report(room: Room) -> None:
    """The doctor's, that the installation kept."""
    found = json.loads(room.read("var/lib/yibao-face/logs/install-report.json"))
    count = found["summary"]
    expect(sum(count.values()) >= 30, f"the report of the installation: {count}")
    for check in found["checks"]:
        if check["level"] in ("fail", "warn"):
            say(f"    {check['level']} {check['id']}: {check['measured']} {check['cause']}")
    broken = [
        c["id"]
        for c in found["checks"]
        if c["group"] in ("model", "release", "folder") and c["level"] == "fail"
    ]
    expect(not broken, f"networks, papers and folders are well {broken or ''}".rstrip())
    quick = json.loads(room.run("yibao-face doctor --selftest --json"))
    expect(quick["exit"] == 0, "the quick check is passed by the packed program")


def watch_service(room: Room) -> None:
    """Started, killed, hung and stopped by the very unit."""
    expect(
        prop(room, "ActiveState") == "active", "the service runs, and said itself that it is ready"
    )
    busy_s = processor_s(room)
    memory = f"{resident_mb(room):.0f} MB resident"
    say(f"    answers {started_s(room):.2f} s after it is started; {memory}")
    # By the clock it depends on who else uses this machine.
    expect(busy_s <= READY_S, f"which costs {busy_s:.2f} s of a processor at most")
    room.run(f"kill -KILL {prop(room, 'MainPID')}")
    until(lambda: restarts(room) == 1, "killed, it is started again")
    # A stopped process does not even take the signal to abort: killed after two seconds more.
    quick = "[Service]\\nWatchdogSec=6\\nTimeoutAbortSec=2\\n"
    folder = f"/run/systemd/system/{SERVICE}.d"
    room.run(f"mkdir -p {folder}; printf '{quick}' >{folder}/watch.conf; systemctl daemon-reload")
    room.run(f"systemctl restart {SERVICE}")
    began = time.monotonic()
    room.run(f"kill -STOP {prop(room, 'MainPID')}")
    until(lambda: restarts(room) >= 1, "hung, it is ended by the watchdog and started again")
    say(
        f"    {time.monotonic() - began:.0f} s after it hung, with a watchdog of 6 s instead of 60"
    )
    room.run(f"rm -r {folder}; systemctl daemon-reload")
    began = time.monotonic()
    room.run(f"systemctl restart {SERVICE}")
    say(f"    stopped and ready again after {time.monotonic() - began:.1f} s")
    timers = room.run("systemctl list-timers --all")
    expect("yibao-face-update.timer" in timers, "the timer of updates waits")


def take_good(room: Room, deb: str, version: str, vendor: Vendor) -> None:
    """From a stick, by what the timer starts; the service stays up but for its restart."""
    put_in(room, vendor.good)
    began = time.monotonic()
    room.run("systemctl start yibao-face-update.service")
    took_s = time.monotonic() - began
    say(f"    {vendor.good_version} taken, tested, switched to, watched: {took_s:.0f} s")
    told = room.run("yibao-face update status")
    expect(f"runs: {vendor.good_version}" in told, "the newer version runs")
    expect(f"go back to: {version}" in told, "the version before is kept")
    expect(running(room) == vendor.good_version, "the service is the newer one")
    said = refused(lambda: room.run(f"dpkg -i /{deb}"), "2")
    expect("a newer version is here" in said, "the package does not take it back")
    expect(running(room) == vendor.good_version, "and the newer one serves on")


def leave_bad(room: Room, vendor: Vendor) -> None:
    """Genuine, newer, passes its self-test, and does not serve."""
    put_in(room, vendor.bad)
    began = time.monotonic()
    refused(lambda: room.run("systemctl start yibao-face-update.service"), "1")
    say(f"    {vendor.bad_version} taken, switched to and left: {time.monotonic() - began:.0f} s")
    told = room.run("yibao-face update status")
    expect(f"runs: {vendor.good_version}" in told, "it was rolled back by itself")
    expect(f"not tried again: {vendor.bad_version}" in told, "and is not tried again")
    expect(running(room) == vendor.good_version, "the version before serves again")
    room.run("systemctl reset-failed yibao-face-update; systemctl start yibao-face-update.service")
    expect(running(room) == vendor.good_version, "the next run of the timer leaves it alone")


def put_in(room: Room, stick: Path) -> None:
    """Alone in the folder where sticks appear."""
    room.run("rm -rf /media/stick; mkdir -p /media/stick")
    (room.path / "media/stick" / stick.name).write_bytes(stick.read_bytes())


def running(room: Room) -> str:
    """Version of the daemon that answers; empty: none."""
    health = health_of(room.run(_ASK).partition("\n\n")[2].encode())
    return health.version if health else ""


def prop(room: Room, name: str) -> str:
    """What systemd says of the service."""
    return room.run(f"systemctl show --value -p {name} {SERVICE}").strip()


def restarts(room: Room) -> int:
    """How often it was started again by itself, once it runs again."""
    return int(prop(room, "NRestarts")) if prop(room, "ActiveState") == "active" else 0


def started_s(room: Room) -> float:
    """From systemd's start of the process to its word that it is ready."""
    at = [
        int(prop(room, name))
        for name in ("ExecMainStartTimestampMonotonic", "ActiveEnterTimestampMonotonic")
    ]
    return (at[1] - at[0]) / 1e6


def processor_s(room: Room) -> float:
    """Processor time the service has used so far."""
    told = room.run(f"cat /proc/{prop(room, 'MainPID')}/stat; getconf CLK_TCK").rpartition(")")[2]
    fields = told.split()
    return (int(fields[11]) + int(fields[12])) / int(fields[-1])


def resident_mb(room: Room) -> float:
    """Of the service's process."""
    told = room.run(f"grep VmRSS /proc/{prop(room, 'MainPID')}/status")
    return int(told.split()[1]) / 1000


def until(holds: Callable[[], bool], what: str, within_s: float = 60.0) -> None:
    """Look until it holds; raises ``PackageError``."""
    end = time.monotonic() + within_s
    while time.monotonic() < end:
        if holds():
            expect(True, what)
            return
        time.sleep(0.2)
    raise PackageError(f"not so: {what}")
