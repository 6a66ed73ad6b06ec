"""What the .deb and the archive do to a machine, in a throw-away copy of this one.

The program is a stand-in; the scripts, dpkg and the machine are real. The real program goes the
same way in a fresh Debian by ``tools/start.py package linux --check``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Generator
from pathlib import Path
from typing import TypeAlias

import pytest
from package_bed import archive, package, require_bed

from yibao_face.daemon.cli.main import parser
from yibao_face.installer.command import PackageError
from yibao_face.installer.linux.tree import SCRIPTS, SYSTEM
from yibao_face.installer.linux.trial.room import Room
from yibao_face.installer.update.site import read_site

ETC, OPT, DATA = "etc/yibao-face", "opt/yibao-face", "var/lib/yibao-face"
ANSWER, CONFIG = f"{ETC}/answer.ini", f"{ETC}/config.toml"
UPDATE = f"{OPT}/update"
TIMER = "etc/systemd/system/timers.target.wants/yibao-face-update.timer"
WANTED = "etc/systemd/system/multi-user.target.wants/yibao-face.service"
# Another program's: `Room` waits for the word "ready".
LISTENER = """python3 -c '
import socket
taken = socket.create_server(("127.0.0.1", 51518))
print("ready http://x:51518", flush=True)
taken.accept()'"""


Debs: TypeAlias = dict[str, Path]


@pytest.fixture(scope="module")
def debs(tmp_path_factory: pytest.TempPathFactory) -> Debs:
    require_bed()
    work = tmp_path_factory.mktemp("debs")
    made = {version: package(work, version) for version in ("0.1.0", "0.1.1", "0.1.2")}
    made["trusting"] = package(work, "0.1.3", root="{1}")
    return made | {"broken": package(work, "0.1.9", broken=True)}


@pytest.fixture
def room(debs: Debs, tmp_path: Path) -> Generator[Room, None, None]:
    with Room(Path("/"), tmp_path / "room") as made:
        made.take(*debs.values())
        yield made


def install(room: Room, version: str) -> str:
    return room.run(f"dpkg -i /yibao-face_{version}_amd64.deb")


def answers(room: Room, **given: str) -> None:
    lines = "".join(f"{key} = {value}\n" for key, value in given.items())
    room.write(ANSWER, f"; 应答\n[install]\n{lines}")


def is_clean(room: Room) -> bool:
    left = [place for place in (OPT, DATA, WANTED, "usr/bin/yibao-face") if room.exists(place)]
    return not left and "yibao-face" not in room.read("etc/passwd")


def test_without_answers_the_service_is_set_up(room: Room) -> None:
    install(room, "0.1.0")

    assert "yibao-face 0.1.0\n" == room.run("yibao-face --version")
    assert room.exists(WANTED)
    assert 'uri = ""' in room.read(CONFIG)
    assert "drwx------ yibao-face" == room.run(f"stat -c '%A %U' /{DATA}").strip()
    assert "-rw-r----- yibao-face" == room.run(f"stat -c '%A %U' /{CONFIG}").strip()
    assert "video" in room.run("id -Gn yibao-face")
    assert "key = 00\n" == room.read(f"{ETC}/library.conf")


def test_answers_become_the_configuration(room: Room) -> None:
    room.write("opt/医院 HIS/his.ini", "")
    answers(
        room,
        org_code="H44010000001",
        centre_url="https://centre.example:51519",
        camera="replay:/录像/a b.rgbd",
        his_folder="/opt/医院 HIS",
        browser_policy="https://his.example:8443, http://10.0.0.5",
    )

    install(room, "0.1.0")

    told = room.read(CONFIG)
    assert 'institution = "H44010000001"' in told
    assert 'url = "https://centre.example:51519"' in told
    assert 'uri = "replay:/录像/a b.rgbd"' in told
    assert 'origins = ["https://his.example:8443", "http://10.0.0.5"]' in told
    assert room.exists("opt/医院 HIS/libHisCallFace.so")
    policy = json.loads(room.read("etc/chromium/policies/managed/yibao-face.json"))
    pages = ["https://his.example:8443", "http://10.0.0.5"]
    names = ("LocalNetworkAccessAllowedForUrls", "LoopbackNetworkAllowedForUrls")
    assert dict.fromkeys(names, pages) == policy


def test_lan_mode_opens_its_port_and_closes_it_in_the_end(room: Room) -> None:
    room.write("usr/bin/ufw", '#!/bin/sh\necho "$@" >>/ufw.log\n')
    room.run("chmod 755 /usr/bin/ufw")
    answers(room, lan="yes", lan_host="192.168.1.9", firewall="yes")

    install(room, "0.1.0")
    assert '[lan]\nenabled = true\nhost = "192.168.1.9"\nport = 51521\n' in room.read(CONFIG)
    assert "allow 51521/tcp\n" == room.read("ufw.log")
    room.run("dpkg --purge yibao-face")
    assert "delete allow 51521/tcp\n" in room.read("ufw.log")


@pytest.mark.parametrize(
    "given",
    [
        {"autostart": "sometimes"},
        {"colour": "red"},
        {"org_code": "H4401/1"},
        {"centre_url": "http://centre.example"},
        {"camera": 'uvc:0" evil = "1'},
        {"enrol_code": "abc"},
        {"enrol_code": "abc", "centre_url": "https://c.example", "ca_file": "/no/such.pem"},
        {"his_folder": "/no/such"},
        {"user": "nobody-here"},
        {"autostart": "session"},
        {"lan": "yes"},
        {"lan": "yes", "lan_host": "desk.local"},
        {"firewall": "yes"},
        {"browser_policy": "https://a.example/path"},
    ],
)
def test_a_wrong_answer_leaves_the_machine_as_it_was(room: Room, given: dict[str, str]) -> None:
    answers(room, **given)

    with pytest.raises(PackageError, match="exit status 64") as refused:
        install(room, "0.1.0")

    assert "nothing was changed" in str(refused.value)
    assert is_clean(room)


def test_a_line_that_is_no_answer_is_told_by_its_number(room: Room) -> None:
    room.write(ANSWER, "[install]\r\norg_code = H1\r\nnonsense\r\n")

    with pytest.raises(PackageError, match="line 3 is not known"):
        install(room, "0.1.0")


def test_a_taken_port_is_told_before_anything_is_changed(room: Room) -> None:
    with (
        room.serving("root", LISTENER),
        pytest.raises(PackageError, match=r"port 51518 is taken(?s:.*)exit status 2"),
    ):
        install(room, "0.1.0")

    assert is_clean(room)


def test_a_full_disk_is_told_before_anything_is_changed(room: Room) -> None:
    room.run("mount -t tmpfs -o size=1m none /opt; df -Pk /opt")

    with pytest.raises(PackageError, match=r"disk full(?s:.*)exit status 2"):
        room.run("mount -t tmpfs -o size=1m none /opt; dpkg -i /yibao-face_0.1.0_amd64.deb")


def test_an_upgrade_keeps_settings_data_and_the_version_before(room: Room) -> None:
    install(room, "0.1.0")
    room.write(CONFIG, room.read(CONFIG) + "# 现场修改\n")
    room.write(f"{DATA}/queue", "a record")

    install(room, "0.1.1")

    assert "yibao-face 0.1.1\n" == room.run("yibao-face --version")
    assert "现场修改" in room.read(CONFIG)
    assert "a record" == room.read(f"{DATA}/queue")
    assert "yibao-face 0.1.0\n" == room.run(f"/{OPT}/app-0.1.0/yibao-face --version")

    install(room, "0.1.2")

    assert not room.exists(f"{OPT}/app-0.1.0")
    assert "yibao-face 0.1.1\n" == room.run(f"/{OPT}/app-0.1.1/yibao-face --version")


def test_a_version_that_fails_its_self_test_is_not_switched_to(room: Room) -> None:
    install(room, "0.1.0")

    with pytest.raises(PackageError, match=r"weights damaged(?s:.*)exit status 3"):
        install(room, "0.1.9")

    assert "yibao-face 0.1.0\n" == room.run("yibao-face --version")


def test_an_older_version_is_refused_unless_it_is_meant(room: Room) -> None:
    install(room, "0.1.1")

    with pytest.raises(PackageError, match=r"a newer version is here: 0.1.1"):
        install(room, "0.1.0")
    assert "yibao-face 0.1.1\n" == room.run("yibao-face --version")

    room.run("YIBAO_FACE_DOWNGRADE=1 dpkg -i /yibao-face_0.1.0_amd64.deb")
    assert "yibao-face 0.1.0\n" == room.run("yibao-face --version")


def test_installing_again_mends_what_was_half_finished(room: Room) -> None:
    room.write(f"{OPT}/.former-version", "0.0.9")
    room.write(f"{OPT}/app-0.1.0/left-over", "")
    room.run("dpkg --unpack /yibao-face_0.1.0_amd64.deb")
    room.run(f"rm /{OPT}/app-0.1.0/version")

    install(room, "0.1.0")

    assert "yibao-face 0.1.0\n" == room.run("yibao-face --version")
    assert not room.exists(f"{OPT}/.former-version")


def test_removing_keeps_settings_and_records_and_purging_nothing(room: Room) -> None:
    room.write("opt/his/his.ini", "")
    answers(room, his_folder="/opt/his", browser_policy="https://his.example")
    install(room, "0.1.0")
    install(room, "0.1.1")
    room.write(f"{DATA}/queue", "a record")

    room.run("dpkg -r yibao-face")

    assert not room.exists(OPT)
    assert not room.exists(WANTED)
    assert not room.exists("opt/his/libHisCallFace.so")
    assert not room.exists("etc/chromium/policies/managed/yibao-face.json")
    assert "a record" == room.read(f"{DATA}/queue")
    assert room.exists(CONFIG)

    room.run("dpkg -P yibao-face")

    assert is_clean(room)
    assert not room.exists(ETC)


def test_the_clerks_session_owns_the_data_where_it_serves(room: Room) -> None:
    room.run("useradd --create-home clerk")
    answers(room, autostart="session", user="clerk")

    install(room, "0.1.0")
    install(room, "0.1.1")

    assert not room.exists(WANTED)
    assert "clerk" == room.run(f"stat -c %U /{DATA}").strip()
    assert "session\n" == room.read(f"{ETC}/mode")
    assert "User=clerk" in room.read("etc/systemd/system/yibao-face-link.service.d/owner.conf")


@pytest.mark.parametrize("online", [True, False])
def test_the_one_time_code_is_used_once(room: Room, online: bool) -> None:
    room.write("media/ca.pem", "a certificate")
    answers(room, centre_url="https://c.example", enrol_code="one-time", ca_file="/media/ca.pem")
    if online:
        room.write("network", "")

    said = install(room, "0.1.0")

    assert online == ("one-time" not in room.read(ANSWER))
    assert online == ("not bound yet" not in said)
    assert "-rw------- root" == room.run(f"stat -c '%A %U' /{ANSWER}").strip()


def test_the_updater_is_laid_down_whole(room: Room) -> None:
    install(room, "0.1.0")

    assert "root" == room.run(f"stat -c %U /{OPT} /{UPDATE}").split()[0]
    assert "setup/serving" in room.read(f"{UPDATE}/update.toml")
    assert read_site(room.path / UPDATE / "update.toml").data == Path("/var/lib/yibao-face")
    assert room.exists(TIMER)
    assert not room.exists(f"{UPDATE}/adopted")
    # The command goes by the launcher, which goes by what an update switches.
    room.run(f"ln -sfn app-0.0.9 /{OPT}/current; mkdir /{OPT}/app-0.0.9")
    room.write(f"{OPT}/app-0.0.9/yibao-face", "#!/bin/sh\necho older $YIBAO_FACE_HOME")
    assert "older /var/lib/yibao-face\n" == room.run(
        f"chmod 755 /{OPT}/app-0.0.9/yibao-face; yibao-face x"
    )


def test_without_the_vendors_root_it_says_how_it_is_updated(room: Room, debs: Debs) -> None:
    assert "no vendor root: updates by package only" in install(room, "0.1.0")

    room.run("dpkg -P yibao-face")

    assert "no vendor root" not in room.run(f"dpkg -i /{debs['trusting'].name}")
    assert "{1}" == room.read(f"{UPDATE}/root.json")


def test_an_upgrade_hands_over_to_the_updater(room: Room) -> None:
    install(room, "0.1.0")
    room.write(f"{UPDATE}/update.toml", room.read(f"{UPDATE}/update.toml") + "# 现场修改\n")
    room.run(f"rm /{TIMER}")

    install(room, "0.1.1")

    assert "app-0.1.0\n" == room.read(f"{UPDATE}/adopted")
    assert "现场修改" in room.read(f"{UPDATE}/update.toml")
    assert not room.exists(TIMER)


def test_settings_of_the_updater_that_nobody_edited_follow_the_package(room: Room) -> None:
    install(room, "0.1.0")
    for name in ("update.toml", "update.toml.laid"):
        room.write(f"{UPDATE}/{name}", "# of an older package\n")

    install(room, "0.1.1")

    assert "restart =" in room.read(f"{UPDATE}/update.toml")


def test_another_vendors_root_ends_what_was_believed_by_the_first(room: Room) -> None:
    room.write(f"{UPDATE}/root.json", "{}")
    install(room, "0.1.0")
    room.write(f"{UPDATE}/state.json", "{}")
    install(room, "0.1.1")
    assert room.exists(f"{UPDATE}/state.json")
    room.write(f"{UPDATE}/root.json", "{2}")

    install(room, "0.1.2")

    assert not room.exists(f"{UPDATE}/state.json")


def test_what_the_updater_laid_runs_is_kept_to_go_back_to_and_goes_at_the_end(room: Room) -> None:
    install(room, "0.1.0")
    room.run(f"cp -r /{OPT}/app-0.1.0 /{OPT}/app-0.1.1; echo 0.1.1 >/{OPT}/app-0.1.1/version")
    room.run(f"ln -sfn app-0.1.1 /{OPT}/current")
    room.write(f"{UPDATE}/metadata/1.root.json", "")

    install(room, "0.1.2")

    assert "yibao-face 0.1.1\n" == room.run(f"/{OPT}/app-0.1.1/yibao-face --version")
    assert not room.exists(f"{OPT}/app-0.1.0")
    room.run("dpkg -r yibao-face")
    assert not room.exists(OPT)


def test_edited_settings_of_the_updater_stay_until_purged(room: Room) -> None:
    install(room, "0.1.0")
    room.write(f"{UPDATE}/update.toml", "# 现场修改\n")

    room.run("dpkg -r yibao-face")
    assert "update.toml\n" == room.run(f"ls -A /{UPDATE}")

    room.run("dpkg -P yibao-face")
    assert not room.exists(OPT)


def test_a_package_waits_for_an_update_that_is_under_way(room: Room) -> None:
    install(room, "0.1.0")
    busy = f"exec 9>/{UPDATE}/update.lock; flock 9; dpkg -i /yibao-face_0.1.1_amd64.deb"

    with pytest.raises(PackageError, match=r"an update is under way(?s:.*)exit status 2"):
        room.run(busy)

    assert "yibao-face 0.1.0\n" == room.run("yibao-face --version")


def test_answers_that_are_not_roots_are_refused(room: Room) -> None:
    answers(room, camera="uvc:0")
    room.run(f"chown nobody /{ANSWER}")

    with pytest.raises(PackageError, match=r"is not root's(?s:.*)exit status 64"):
        install(room, "0.1.0")


def test_what_the_doctor_finds_is_told_and_kept(room: Room) -> None:
    said = install(room, "0.1.0")

    assert "needs attention" in said
    assert "[故障] 摄像头" in said
    assert "yibao-face" == room.run(f"stat -c %U /{DATA}/logs/install-report.json").strip()


def test_the_archive_installs_and_removes_without_dpkg(room: Room, tmp_path: Path) -> None:
    packed = archive(tmp_path, "0.1.0")
    room.take(packed)
    room.run(f"tar -xJf /{packed.name} -C /media")
    folder = f"/media/{packed.name.removesuffix('.tar.xz')}"

    with pytest.raises(PackageError, match=r"run as root"):
        room.run(f"cp -r {folder} /tmp/unpacked; runuser -u nobody -- /tmp/unpacked/install.sh")
    assert is_clean(room)
    room.run(f"{folder}/install.sh")
    assert "yibao-face 0.1.0\n" == room.run("yibao-face --version")
    room.run(f"/{OPT}/current/setup/uninstall.sh --purge")

    assert is_clean(room)
    assert not room.exists("usr/lib/systemd/system/yibao-face.service")


@pytest.mark.parametrize(
    "words",
    [
        pytest.param(line.split()[1:], id=unit.stem)
        for unit in sorted(SYSTEM.glob("*.service"))
        for line in unit.read_text("utf-8").splitlines()
        if line.startswith("ExecStart=/opt/yibao-face/yibao-face ")
    ],
)
def test_every_unit_starts_what_the_command_line_knows(words: list[str]) -> None:
    assert callable(parser().parse_args(words).run)


def test_every_command_of_the_scripts_is_one_the_command_line_knows() -> None:
    told = (SCRIPTS / "setup.sh").read_text("utf-8")
    found = re.findall(
        r'(?:as_owner|"\$new"|/yibao-face") ((?:[a-z]|--config|"\$ETC)[^|;)>]*)', told
    )

    assert len(found) >= 6
    for words in found:
        plain = re.sub(r"\$\{.*|2$", "", words).replace('"', "").split()
        assert callable(parser().parse_args(plain).run), words


def test_systemd_finds_nothing_wrong_with_the_units(room: Room) -> None:
    install(room, "0.1.0")
    units = "/usr/lib/systemd"

    system = room.run(f"systemd-analyze verify --man=no {units}/system/yibao-face*.service")
    user = f"XDG_RUNTIME_DIR=/tmp systemd-analyze verify --man=no --user {units}/user/yibao-face*"

    assert "yibao-face" not in system
    assert "yibao-face" not in room.run(user)


def test_the_same_files_make_the_same_package(debs: Debs, tmp_path: Path) -> None:
    again = package(tmp_path, "0.1.0")

    assert debs["0.1.0"].read_bytes() == again.read_bytes()
