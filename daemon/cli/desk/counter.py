"""``yibao-face counter``: the clerk answers consent and confirmation in a terminal."""

from __future__ import annotations

import argparse
import base64
import time
from pathlib import Path
from typing import Any

from yibao_face.daemon.cli.common import CliError, Commands, command, config_of, read_file, say
from yibao_face.daemon.door.client import Caller, ClientError, caller_of

_POLL_S = 0.5


def add(commands: Commands) -> None:
    """Register the command."""
    parser = command(commands, "counter", "answer enrolment prompts / 柜台登记界面（终端）")
    parser.add_argument("--staff", required=True, help="staff number / 工号")
    parser.add_argument("--card", action="store_true", help="confirm by ID card / 刷身份证确认")
    parser.add_argument("--port", type=int, help="instead of the configured port")
    parser.add_argument("--once", action="store_true", help="stop after one confirmation")
    parser.set_defaults(run=run)


def run(given: argparse.Namespace) -> int:
    """Watch the counter until interrupted."""
    caller = caller_of(config_of(given), given.port, clerk=True)
    say("等待登记 / waiting; Ctrl-C ends")
    shown = ""
    while True:
        view = caller.look()
        # What is to be done is on the clock: it goes before any hint.
        told = view["task"]["text"] if view["task"] else view["hint"]
        if told != shown:
            shown = told
            say(told)
        if view["prompt"]:
            stage = _answer(caller, view["prompt"], given.staff, by_card=given.card)
            if given.once and stage == "confirm":
                return 0
        time.sleep(_POLL_S)


def _answer(caller: Caller, prompt: dict[str, Any], staff: str, *, by_card: bool) -> str:
    """Answer ``prompt``; a slip of the clerk is told and asked again, the patient waits.

    ``by_card``: what is confirmed is confirmed by the person's card on the daemon's reader.
    """
    say(f"[{prompt['person']}] {prompt['text']}")
    accepted = _ask("同意/确认? (y/n) ").lower() in ("y", "yes", "是")
    given: dict[str, Any] = {
        "encounter": prompt["encounter"],
        "stage": prompt["stage"],
        "accepted": accepted,
        "staff": staff,
    }
    if accepted and prompt["stage"] == "confirm":
        given["id_card"] = by_card
        photo = None if by_card else _photo()
        if photo:
            given["id_photo"] = base64.b64encode(photo).decode()
        if by_card:
            say("请把身份证放在阅读器上 / put the card on the reader")
    try:
        caller.answer(given)
    except ClientError as exc:
        say(str(exc))
        return ""
    return str(prompt["stage"])


def _photo() -> bytes | None:
    while True:
        name = _ask("证件照文件（可空） / id photo file (optional): ")
        if not name:
            return None
        try:
            return read_file(Path(name))
        except CliError as exc:
            say(str(exc))


def _ask(question: str) -> str:
    try:
        return input(question).strip()
    except EOFError as exc:
        raise CliError("the counter needs a terminal to answer from") from exc
