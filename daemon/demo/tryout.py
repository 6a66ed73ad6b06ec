"""The first hour: window, tray and console of a counter, tried by hand on the demo clips.

Who stands before the camera is chosen on the terminal; then a HIS asks for a check.
"""

from __future__ import annotations

import json
import queue
import random
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

from yibao_face.daemon.clock import Clock
from yibao_face.daemon.console.access.role import Role
from yibao_face.daemon.console.access.staff import StaffError, check_pin
from yibao_face.daemon.console.console import staff_book
from yibao_face.daemon.demo.child import Child, DemoError, child_daemon
from yibao_face.daemon.demo.play import FIRST, SECOND, Stage
from yibao_face.daemon.door.client import ClientError, sample_request
from yibao_face.daemon.wiring import vault_of

Say = Callable[[str], None]
# What may be typed, who stands there then, and its name.
CHOICES = {
    "1": ("live-first", "张三本人 the person"),
    "2": ("live-second", "李四 another person (登记为代购人后通过 passes as an agent)"),
    "3": ("flat-first", "张三的照片 a photograph"),
    "4": ("nobody", "没有人 nobody (窗口里按 Esc 取消 Esc cancels)"),
}
_END = "q"
ACCOUNTS = (
    ("1001", "演示窗口", Role.CLERK),
    ("2001", "演示药师", Role.PHARMACIST),
    ("9001", "演示主任", Role.MANAGER),
)
_LOOK_S = 0.3


@dataclass(frozen=True, slots=True)
class Counter:
    """A stage with accounts of the console, all of one PIN."""

    stage: Stage
    pin: str


def try_out(stage: Stage, typed: Iterable[str], say: Say) -> int:
    """Serve with windows until ``q`` is typed or the tray's 退出 is chosen; exit code 0."""
    counter = furnish(stage)
    stage.put("live-first")
    with child_daemon(counter.stage.config, ("agent", "--demo")) as child:
        enlist(child)
        for line in guide(child, counter.pin):
            say(line)
        for number, word in enumerate(_words(child, typed), 1):
            if word == _END:
                break
            _call(child, counter.stage, word, number, say)
    say("已结束 / ended")
    return 0


def furnish(stage: Stage) -> Counter:
    """Give the stage a site's code and accounts; the PIN is another one each time."""
    site = str(sample_request(FIRST, "", Clock(), 0)["fixmedins_code"])
    config = replace(stage.config, desk=replace(stage.config.desk, institution=site))
    book, pin = staff_book(config, vault_of(config), Clock()), invented_pin()
    for number, name, role in ACCOUNTS:
        book.add(number, name, role, pin)
    return Counter(replace(stage, config=config), pin)


def invented_pin() -> str:
    """Six digits that are no run and no repetition."""
    while True:
        pin = "".join(random.SystemRandom().choices("0123456789", k=6))
        try:
            check_pin(pin)
        except StaffError:
            continue
        return pin


def enlist(child: Child) -> None:
    """The first person is on the list of those who sign in and out."""
    listed = {"practitioners": [{"id": FIRST, "name": "张三"}], "staff": "9001"}
    answer = child.caller.act("roster", listed)
    if not answer["ok"]:
        raise DemoError(f"the roster was not taken: {answer['msg']}")


def guide(child: Child, pin: str) -> list[str]:
    """What there is to try."""
    accounts = "、".join(f"{number} {name}" for number, name, _ in ACCOUNTS)
    return [
        "",
        f"控制台 console   http://{child.caller.host}:{child.caller.port}/ui",
        f"  工号 staff     {accounts}",
        f"  密码 PIN       {pin}",
        "托盘 tray        点图标 → 签到：张三在名单上 click the icon, then 签到",
        f"证件号码 numbers 张三 {FIRST}，李四 {SECOND}（虚构 invented）",
        "谁站在摄像头前？输入编号，HIS 随即发起核验",
        "Who stands before the camera? Type a number, the HIS then asks:",
        *(f"  {word}  {name}" for word, (_, name) in CHOICES.items()),
        f"  {_END}  结束 end",
    ]


def _words(child: Child, typed: Iterable[str]) -> Iterator[str]:
    """What is typed, while the agent runs; once all is read, until the agent ends."""
    heard: queue.Queue[str] = queue.Queue()

    def read() -> None:
        for line in typed:
            heard.put(line.strip().lower())

    threading.Thread(target=read, name="typed", daemon=True).start()
    while child.process.poll() is None:
        try:
            yield heard.get(timeout=_LOOK_S)
        except queue.Empty:
            continue


def _call(child: Child, stage: Stage, word: str, number: int, say: Say) -> None:
    """A HIS call with whoever was chosen before the camera."""
    chosen = CHOICES.get(word)
    if chosen is None:
        say(f"请输入 {'、'.join(CHOICES)} 或 {_END} / type one of them")
        return
    stage.put(chosen[0])
    body = json.dumps(sample_request(FIRST, "张三", Clock(), number)).encode()
    try:
        answer = child.caller.authenticate(body)
    except ClientError as exc:
        say(f"{exc}")
        return
    say(f"HIS 收到 got {json.dumps(answer, ensure_ascii=False)}")
