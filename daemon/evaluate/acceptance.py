"""The field kit: an engineer shows each species of GB/T 41987-2022 to a camera, clip by clip.

Everything stays in one local folder. A clip that is there is never written again.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from yibao_face.daemon.evaluate.label import Kind
from yibao_face.daemon.evaluate.result import LIVE, EvaluateError
from yibao_face.daemon.section import CONSENT_TEXT
from yibao_face.drivers.api import Camera, CameraInfo, Capability, Frame
from yibao_face.drivers.clip import ClipWriter, Planes

PROTOCOL = "acceptance.json"
CONSENT = (
    f"录制真人前须取得本人同意：{CONSENT_TEXT}。录像仅用于本机活体检测验收，保存在本机，不上传，"
    "可随时要求删除。"
)
_FPS = 30.0
_FIRST_FRAME_S = 5.0
_READ_S = 0.25
_MIN_FRAMES = 5

Ask = Callable[[str], str]
Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Plan:
    """``per`` presentations of each of ``kinds``, ``seconds`` long, into ``folder``.

    ``ask`` returns a line of the engineer, and raises ``EOFError`` when there are no more.
    """

    folder: Path
    kinds: tuple[Kind, ...]
    per: int
    seconds: float
    ask: Ask
    tell: Tell


class _StopError(Exception):
    """The engineer ends the session; the next one goes on there."""


def guide(plan: Plan, camera: Camera) -> int:
    """Record what is missing; returns how many clips were made.

    ``EvaluateError``: the folder is not one of this kit or of this camera, or a recording failed.
    Raises as ``Camera.read`` does.
    """
    _claim(plan.folder, camera.info)
    plan.tell(f"验收录像只存本机，不上传 / clips stay on this machine: {plan.folder.name}")
    made = 0
    try:
        for kind in plan.kinds:
            made += sum(1 for _ in _kind(plan, kind, camera))
    except (_StopError, EOFError):
        plan.tell("已停止，下次从这里继续 / stopped, the next session goes on here")
    return made


def clip_path(folder: Path, kind: Kind, number: int) -> Path:
    """Where presentation ``number`` (from 1) lies."""
    return folder / kind.key / f"{kind.key}-{number:03d}.rgbd"


def record(camera: Camera, path: Path, seconds: float, label: str) -> int:
    """Record a new clip of what ``camera`` sees; returns its frames. Never overwrites."""
    if path.exists():
        raise EvaluateError(f"{path.name} is there already: nothing is overwritten")
    first = _first(camera)
    frames = 0
    try:
        apart = first.pair or Capability.PAIRED in camera.info.capability
        with ClipWriter(path, first.intrinsics, _FPS, label, apart) as clip:
            for frame in _frames(camera, first, seconds):
                clip.add(_planes(frame), frame.device_us)
                frames += 1
            if frames < _MIN_FRAMES:
                raise EvaluateError(f"{path.name}: only {frames} frames in {seconds:g} s")
    except ValueError as exc:
        raise EvaluateError(f"{path.name}: the camera's frames cannot be kept: {exc}") from exc
    return frames


def _claim(folder: Path, info: CameraInfo) -> None:
    """Make ``folder`` the protocol of this camera; another one's is refused."""
    mine = {"driver": info.driver, "model": info.model, "serial": info.serial}
    path = folder / PROTOCOL
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not path.exists():
            if any(folder.iterdir()):
                raise EvaluateError(f"{folder.name} holds other files: take an empty --out")
            path.write_text(json.dumps({"schema": 1, "camera": mine}, indent=1), "utf-8")
            return
        held: Any = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as exc:
        raise EvaluateError(f"{folder.name}: {PROTOCOL} cannot be used: {exc}") from exc
    if held != {"schema": 1, "camera": mine}:
        raise EvaluateError(f"{folder.name} was recorded by another camera: take another --out")


def _kind(plan: Plan, kind: Kind, camera: Camera) -> Iterator[Path]:
    wanted = [clip_path(plan.folder, kind, n) for n in range(1, plan.per + 1)]
    left = [path for path in wanted if not path.exists()]
    plan.tell(f"\n【{kind.chinese}】{kind.english}: 已有 {plan.per - len(left)}/{plan.per}")
    if left:
        plan.tell(kind.how)
    for path in left:
        if not _ready(plan, kind, path):
            return
        frames = record(camera, path, plan.seconds, kind.key)
        plan.tell(f"  {path.name}: {frames} 帧 frames")
        _note(plan.folder, kind, path)
        yield path


def _ready(plan: Plan, kind: Kind, path: Path) -> bool:
    """Whether to record now; ``False``: go on with the next species."""
    if kind.key == LIVE and not _consents(plan):
        plan.tell("未取得同意，不录制真人 / no consent: no living person is recorded")
        return False
    said = plan.ask(
        f"准备 {path.name}，回车录制 {plan.seconds:g} 秒，s 跳过本类，q 结束: "
    ).strip()
    if said.lower() == "q":
        raise _StopError
    return said.lower() != "s"


def _consents(plan: Plan) -> bool:
    plan.tell(CONSENT)
    said = plan.ask("被录制者本人同意请输入 y: ").strip().lower()
    if said == "q":
        raise _StopError
    return said in ("y", "yes", "是", "同意")


def _note(folder: Path, kind: Kind, path: Path) -> None:
    """One line a clip: what, and under which consent; nothing about who."""
    line = {"clip": path.name, "species": kind.key, "name": kind.chinese}
    if kind.key == LIVE:
        line["consent"] = CONSENT
    with (folder / "acceptance.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps(line, ensure_ascii=False) + "\n")


def _first(camera: Camera) -> Frame:
    """A frame that is seen now, not one that waited while the engineer made ready."""
    until, found = time.monotonic() + _FIRST_FRAME_S, None
    begun = time.monotonic_ns()
    while time.monotonic() < until:
        found = camera.read(_READ_S)
        if found is not None and found.at_ns >= begun:
            return found
    raise EvaluateError(f"the camera sent no frame for {_FIRST_FRAME_S:g} s")


def _frames(camera: Camera, first: Frame, seconds: float) -> Iterator[Frame]:
    until = time.monotonic() + seconds
    yield first
    while time.monotonic() < until:
        frame = camera.read(_READ_S)
        if frame is not None:
            yield frame


def _planes(frame: Frame) -> Planes:
    if frame.depth_mm is None:
        raise EvaluateError("this camera sends no depth: there is nothing to accept")
    return Planes(frame.bgr, frame.depth_mm, frame.ir)


def chosen(kinds: Sequence[Kind], words: str) -> tuple[Kind, ...]:
    """The kinds named in ``words`` (``all``, or keys or Chinese names with commas between)."""
    if words == "all":
        return tuple(kinds)
    by_name = {name: kind for kind in kinds for name in (kind.key, kind.chinese)}
    names = [word.strip() for word in words.replace("，", ",").split(",") if word.strip()]
    unknown = [name for name in names if name not in by_name]
    if unknown or not names:
        raise EvaluateError(f"no species {', '.join(unknown)}; known: {', '.join(by_name)}")
    return tuple(dict.fromkeys(by_name[name] for name in names))
