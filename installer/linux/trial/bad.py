"""What a counter PC may be like when a package comes: each is told, and leaves it as it was."""

from __future__ import annotations

import json
from collections.abc import Generator
from contextlib import contextmanager

from yibao_face.installer.command import run
from yibao_face.installer.linux.trial.room import Room
from yibao_face.installer.linux.trial.word import expect, refused

ANSWER = "etc/yibao-face/answer.ini"
# Everything but what dpkg notes of its own.
_LIST = (
    "find / -xdev \\( -path /var/lib/dpkg -o -path /var/log -o -path /tmp -o -path /media \\)"
    " -prune -o ! -type d -printf '%p %s %m %U %T@\\n' | sort"
)
_LISTEN = """perl -MIO::Socket::INET -e '
my $taken = IO::Socket::INET->new(Listen => 1, LocalAddr => "127.0.0.1:51518");
$| = 1;
print "ready http://x:51518\\n";
$taken->accept'"""


def meet_bad_machines(room: Room, deb: str, archive: str | None) -> None:
    """``deb``, ``archive``: files in the root folder. Nothing is installed before, nor after."""
    wrong_answers(room, deb)
    no_room(room, deb)
    taken_port(room, deb)
    if archive is not None:
        bad_archive(room, archive)
    half_finished(room, deb)
    odd_places(room, deb)


@contextmanager
def unchanged(room: Room) -> Generator[None, None, None]:
    """No file of the machine is another one after the block."""
    before = room.run(_LIST)
    yield
    changed = set(before.splitlines()) ^ set(room.run(_LIST).splitlines())
    expect(
        not changed,
        f"the machine is as it was{': ' if changed else ''}{sorted(changed)[:3] or ''}",
    )


def wrong_answers(room: Room, deb: str) -> None:
    """By value, by key, by line, by form."""
    for text, told in (
        ("[install]\nautostart = sometimes\n", "autostart"),
        ("[install]\nhis_folder = /没有 这个/目录\n", "/没有 这个/目录"),
        ("[install]\norg_code = H44010000001\nnonsense\n", "line 3"),
        ("\0\1 no answers\n", "line 1"),
    ):
        room.write(ANSWER, text)
        with unchanged(room):
            said = refused(lambda: room.run(f"dpkg -i /{deb}"), "64")
        expect(told in said and "nothing was changed" in said, f"wrong answer is told: {told}")
    room.run("rm -r /etc/yibao-face")


def no_room(room: Room, deb: str) -> None:
    """A disk that holds no version."""
    with unchanged(room):
        small = "mount -t tmpfs -o size=64m none /opt"
        said = refused(lambda: room.run(f"unshare --mount sh -c '{small}; dpkg -i /{deb}'"), "2")
    expect(
        "disk full" in said and "MB are needed" in said, "a full disk is told, with what is needed"
    )


def taken_port(room: Room, deb: str) -> None:
    """By a program that is none of ours."""
    with unchanged(room), room.serving("root", _LISTEN):
        said = refused(lambda: room.run(f"dpkg -i /{deb}"), "2")
    expect("port 51518 is taken" in said, "a taken port is told")


def bad_archive(room: Room, archive: str) -> None:
    """The archive's own script; dpkg refuses by itself. The smallest Debian has no xz."""
    folder = f"/media/{archive.removesuffix('.tar.xz')}"
    run(["tar", "-xJf", room.path / archive, "-C", room.path / "media"])
    with unchanged(room):
        said = refused(lambda: room.run(f"{folder}/install.sh", user="nobody"), "2")
        expect("run as root" in said, "who is not root is told so")
        said = refused(lambda: room.run(f"{folder}/install.sh"), "2")
        expect("xz is missing" in said, "what is missing to unpack is told")
    room.run(f"rm -r {folder}")


def half_finished(room: Room, deb: str) -> None:
    """The power went while files were laid: installed again it is whole."""
    room.run(f"timeout -s KILL 4 dpkg -i /{deb} || true")
    expect(room.exists("opt/yibao-face"), "an installation was cut off in its middle")
    room.run(f"dpkg -i /{deb}")
    expect("ok" in room.run("yibao-face models verify"), "installed again it is whole")
    room.run("dpkg -P yibao-face")
    expect(not room.exists("opt/yibao-face"), "and goes without a rest")


def odd_places(room: Room, deb: str) -> None:
    """Chinese and blanks in every path that is given; a camera that is not there."""
    answer = "/media/U 盘/应答 文件.ini"
    room.write("opt/医院 HIS/客户端 程序/his.ini", "")
    room.write(
        answer.lstrip("/"),
        "[install]\norg_code = H44010000001\ncamera = uvc:7\n"
        "his_folder = /opt/医院 HIS/客户端 程序\n",
    )
    said = room.run(f"YIBAO_FACE_ANSWER='{answer}' dpkg -i /{deb}")
    library = "opt/医院 HIS/客户端 程序/libHisCallFace.so"
    expect(room.exists(library), "the library is in a folder with Chinese and blanks in its name")
    expect("[故障] 摄像头" in said and "处理" in said, "a missing camera is told, with what to do")
    found = json.loads(room.read("var/lib/yibao-face/logs/install-report.json"))
    levels = {check["id"]: check["level"] for check in found["checks"]}
    expect(levels["camera-list"] == "fail", "the report says so too")
    expect(levels["library-files"] == "ok", "it knows the library by its hash")
    room.run("dpkg -P yibao-face")
    expect(not room.exists(library), "the library goes with the package")
    room.run("rm -r '/opt/医院 HIS' '/media/U 盘'")
