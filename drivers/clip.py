"""The ``.rgbd`` clip: one file with lossless depth and IR, colour, timestamps and calibration.

A ZIP archive (stored, not deflated), its streams read and written with cv2's own FFmpeg:

=============  ==============================================================
``clip.json``  schema, intrinsics, device timestamps, label, sha256 of the rest
``color.mkv``  Motion JPEG in Matroska, BGR
``depth.mkv``  FFV1 16 bit grey, millimetres, 0 = no reading (lossless)
``ir.mkv``     FFV1 8 bit grey (lossless)
=============  ==============================================================

What the camera has no plane for is not there. cv2's writer holds one stream per file, hence the
archive around them (ADR 0004).
"""

from __future__ import annotations

import hashlib
import io
import json
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import pairwise
from math import isfinite
from pathlib import Path
from typing import Any, Self, cast

import cv2
import numpy as np
import numpy.typing as npt

from yibao_face.drivers.api import (
    ClipError,
    ColourImage,
    DepthImage,
    InfraredImage,
    Intrinsics,
    Pair,
)

# It warns that grey planes come as they are: that is what is asked for.
cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_ERROR)

SCHEMA = 2
_READABLE = (1, SCHEMA)
# A clip is held in memory while it plays; anything larger is not one of ours.
MAX_MEMBER_BYTES = 512 * 1024 * 1024
_MAX_SIDE_PX = 16384
_MIN_SIDE_PX = 8
_MIN_FPS, _MAX_FPS = 0.01, 1000.0
# What json, zipfile and bad values say, each in its own way.
_UNREADABLE = (
    ValueError,
    TypeError,
    KeyError,
    AttributeError,
    EOFError,
    OverflowError,
    RecursionError,
    NotImplementedError,
    RuntimeError,
    OSError,
    zipfile.BadZipFile,
)
_GREY16 = [cv2.VIDEOWRITER_PROP_DEPTH, cv2.CV_16U, cv2.VIDEOWRITER_PROP_IS_COLOR, 0]
_GREY8 = [cv2.VIDEOWRITER_PROP_IS_COLOR, 0]
_STREAMS: dict[str, tuple[str, list[int]]] = {
    "color": ("MJPG", []),
    "depth": ("FFV1", _GREY16),
    "ir": ("FFV1", _GREY8),
}


@dataclass(frozen=True, slots=True, eq=False)
class Planes:
    """The images of one exposure as they lie in a clip; shapes as in ``drivers.api.Frame``."""

    bgr: ColourImage
    depth_mm: DepthImage | None
    ir: InfraredImage | None


@dataclass(frozen=True, slots=True)
class ClipHeader:
    """``clip.json``. ``device_us``: a timestamp per frame, rising. ``label``: what was played.

    ``streams``: of ``color``, ``depth``, ``ir``. ``apart``: ``ir`` is of a camera of its own;
    ``pair``: where that stood, if known.
    """

    intrinsics: Intrinsics
    fps: float
    device_us: tuple[int, ...]
    label: str
    serial: str
    streams: tuple[str, ...] = ("color", "depth", "ir")
    pair: Pair | None = None
    apart: bool = False


class ClipWriter:
    """Collects planes, writes them as one file at the end; nothing is left of a failed one.

    Sides must be even and at least 8 px: the codecs would round or refuse others. Every exposure
    has the planes the first one has. ``apart``: whether ``ir`` is that of a second camera; its
    place where that is known.
    """

    def __init__(
        self,
        path: Path,
        intrinsics: Intrinsics,
        fps: float,
        label: str,
        apart: Pair | bool = False,
    ) -> None:
        self._path, self._label, self._apart = path, label, apart is not False
        self._pair = apart if isinstance(apart, Pair) else None
        self._intrinsics, self._fps = _lens(asdict(intrinsics)), _rate(fps)
        for lens in (intrinsics, *([] if self._pair is None else [self._pair.infrared])):
            _must_be_writable(lens, path.name)
        self._device_us: list[int] = []
        self._writers: dict[str, cv2.VideoWriter] = {}
        self._folder = tempfile.TemporaryDirectory(prefix="yibao-clip-")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, *rest: object) -> None:
        try:
            if kind is None:
                self._finish()
        finally:
            for writer in self._writers.values():
                writer.release()
            self._folder.cleanup()

    def add(self, planes: Planes, device_us: int) -> None:
        """Append one exposure; ``ValueError`` when its time or a plane of it does not fit."""
        if self._device_us and device_us <= self._device_us[-1]:
            raise ValueError(f"timestamp {device_us} does not follow {self._device_us[-1]}")
        streams = _by_stream(planes)
        wanted = tuple(self._writers) or tuple(streams)
        fault = _misfit(planes, wanted, self._intrinsics, self._pair)
        if fault is not None:
            raise ValueError(fault)
        self._writers = self._writers or self._opened(wanted)
        self._device_us.append(device_us)
        for name, plane in streams.items():
            self._writers[name].write(np.ascontiguousarray(plane))

    def _opened(self, names: tuple[str, ...]) -> dict[str, cv2.VideoWriter]:
        opened: dict[str, cv2.VideoWriter] = {}
        for name in names:
            codec, options = _STREAMS[name]
            size = _size_of(name, self._intrinsics, self._pair)
            opened[name] = _open_writer(self._member(name), codec, self._fps, size, options)
        return opened

    def _member(self, name: str) -> Path:
        return Path(self._folder.name) / f"{name}.mkv"

    def _finish(self) -> None:
        if not self._device_us:
            raise ClipError(f"{self._path.name}: no exposure was added")
        digests: dict[str, str] = {}
        for name, writer in self._writers.items():
            writer.release()
            digests[name] = hashlib.sha256(self._member(name).read_bytes()).hexdigest()
        header = ClipHeader(
            self._intrinsics,
            self._fps,
            tuple(self._device_us),
            self._label,
            digests.get("depth", digests["color"])[:12],
            tuple(digests),
            self._pair,
            self._apart,
        )
        self._path.parent.mkdir(parents=True, exist_ok=True)
        part = self._path.with_name(f"{self._path.name}.part")
        try:
            with zipfile.ZipFile(part, "w", zipfile.ZIP_STORED) as archive:
                archive.writestr("clip.json", _dump(header, digests))
                for name in digests:
                    archive.write(self._member(name), f"{name}.mkv")
            part.replace(self._path)
        finally:
            part.unlink(missing_ok=True)


class ClipReader:
    """A clip opened for playing. Raises ``ClipError`` where a byte is not what was written."""

    def __init__(self, path: Path) -> None:
        try:
            with zipfile.ZipFile(path) as archive:
                self.header, digests = _load(_member_bytes(archive, "clip.json"))
                self._streams = {
                    name: _checked(archive, name, digests[name]) for name in self.header.streams
                }
        except (*_UNREADABLE, ClipError) as exc:
            raise ClipError(f"{path.name}: not a readable clip: {exc}") from exc

    def frames(self) -> Iterator[Planes]:
        """Decode from the first exposure to the last; call again to play again."""
        streams = {name: _Stream(name, data) for name, data in self._streams.items()}
        try:
            for index in range(len(self.header.device_us)):
                planes = {name: stream.grab(index) for name, stream in streams.items()}
                yield self._planes(planes, index)
        finally:
            for stream in streams.values():
                stream.release()

    def _planes(self, planes: dict[str, npt.NDArray[Any]], index: int) -> Planes:
        found = Planes(
            cast(ColourImage, planes["color"]),
            cast(DepthImage | None, planes.get("depth")),
            cast(InfraredImage | None, planes.get("ir")),
        )
        header = self.header
        fault = _misfit(found, header.streams, header.intrinsics, header.pair)
        if fault is not None:
            raise ClipError(f"frame {index}: {fault}")
        return found


def _by_stream(planes: Planes) -> dict[str, npt.NDArray[Any]]:
    every = {"color": planes.bgr, "depth": planes.depth_mm, "ir": planes.ir}
    return {name: plane for name, plane in every.items() if plane is not None}


def _size_of(name: str, lens: Intrinsics, pair: Pair | None) -> tuple[int, int]:
    """Width and height of a stream."""
    of = pair.infrared if name == "ir" and pair is not None else lens
    return of.width, of.height


def _misfit(
    planes: Planes, wanted: tuple[str, ...], lens: Intrinsics, pair: Pair | None
) -> str | None:
    """Which plane does not fit the calibration, and how; ``None`` when all do."""
    streams = _by_stream(planes)
    if set(streams) != set(wanted):
        return f"planes {', '.join(streams)} instead of {', '.join(wanted)}"
    for name, plane in streams.items():
        width, height = _size_of(name, lens, pair)
        shape = (height, width, 3) if name == "color" else (height, width)
        kind = np.uint16 if name == "depth" else np.uint8
        if plane.shape != shape or plane.dtype != kind:
            return f"{name} {plane.shape} {plane.dtype}: planes do not fit calibration {shape}"
    return None


def _must_be_writable(lens: Intrinsics, name: str) -> None:
    if min(lens.width, lens.height) < _MIN_SIDE_PX:
        raise ClipError(f"{name}: sides under {_MIN_SIDE_PX} px cannot be written")
    if lens.width % 2 or lens.height % 2:
        raise ClipError(f"{name}: odd sides cannot be written")


def _open_writer(
    path: Path, codec: str, fps: float, size: tuple[int, int], options: list[int]
) -> cv2.VideoWriter:
    fourcc = cv2.VideoWriter.fourcc(*codec)
    writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, fourcc, fps, size, options)
    if not writer.isOpened():
        raise ClipError(f"this cv2 cannot write {codec}: its FFmpeg is missing")
    return writer


class _Stream:
    """One member decoded from memory: frames of a face never touch a temporary file."""

    def __init__(self, name: str, data: bytes) -> None:
        self._name = name
        # cv2 reads from this object without holding it: dropped too early it crashes the process.
        self._bytes = io.BytesIO(data)
        options = [cv2.CAP_PROP_CONVERT_RGB, 0] if name != "color" else []
        self._capture = cv2.VideoCapture(cast(Any, self._bytes), cv2.CAP_FFMPEG, options)
        if not self._capture.isOpened():
            raise ClipError(f"{name}.mkv cannot be decoded")

    def grab(self, index: int) -> npt.NDArray[Any]:
        ok, image = self._capture.read()
        if not ok:
            raise ClipError(f"{self._name}.mkv ends before frame {index}")
        plane: npt.NDArray[Any] = np.asarray(image)
        return plane[:, :, 0] if self._name != "color" and plane.ndim == 3 else plane

    def release(self) -> None:
        self._capture.release()


def _member_bytes(archive: zipfile.ZipFile, name: str) -> bytes:
    info = archive.getinfo(name)
    if info.file_size > MAX_MEMBER_BYTES or info.compress_type != zipfile.ZIP_STORED:
        raise ClipError(f"{name}: {info.file_size} bytes, not a stored clip member")
    return archive.read(info)


def _checked(archive: zipfile.ZipFile, name: str, digest: str | None) -> bytes:
    data = _member_bytes(archive, f"{name}.mkv")
    if hashlib.sha256(data).hexdigest() != digest:
        raise ClipError(f"{name}.mkv: sha256 differs from the one written")
    return data


def _dump(header: ClipHeader, digests: dict[str, str]) -> str:
    body = {"schema": SCHEMA, **asdict(header), "sha256": digests}
    return json.dumps(body, ensure_ascii=False, indent=1)


def _load(raw: bytes) -> tuple[ClipHeader, dict[str, str]]:
    try:
        body: dict[str, Any] = json.loads(raw)
        if body["schema"] not in _READABLE:
            raise ClipError(f"clip schema {body['schema']}, this reader knows {_READABLE}")
        times = tuple(int(t) for t in body["device_us"])
        if not times or max(map(abs, times)) >= 1 << 63 or any(b <= a for a, b in pairwise(times)):
            raise ClipError("clip.json: timestamps do not rise")
        lens, fps = _lens(body["intrinsics"]), _rate(body["fps"])
        digests = {str(name): str(digest) for name, digest in body["sha256"].items()}
        # The first schema had all three, always.
        streams = tuple(_STREAMS) if body["schema"] == 1 else tuple(map(str, body["streams"]))
        if set(streams) != set(digests) or not {"color"} <= set(digests) <= set(_STREAMS):
            raise ClipError(f"clip.json: streams {streams}, digests of {', '.join(digests)}")
        label, serial = str(body["label"]), str(body["serial"])
        pair = _pair(body.get("pair"))
        apart = pair is not None or body.get("apart") is True
        return ClipHeader(lens, fps, times, label, serial, streams, pair, apart), digests
    except _UNREADABLE as exc:
        raise ClipError(f"clip.json cannot be read: {exc!r}") from exc


def _lens(body: dict[str, Any]) -> Intrinsics:
    """A calibration a real lens could have; ``ClipError`` else."""
    optics = {name: float(body[name]) for name in ("fx", "fy", "cx", "cy")}
    sides = {name: body[name] for name in ("width", "height")}
    if any(type(side) is not int or not 0 < side <= _MAX_SIDE_PX for side in sides.values()):
        raise ClipError(f"no picture has sides {sides}")
    if not all(map(isfinite, optics.values())) or min(optics["fx"], optics["fy"]) <= 0:
        raise ClipError(f"no lens has {optics}")
    return Intrinsics(int(sides["width"]), int(sides["height"]), **optics)


def _pair(body: dict[str, Any] | None) -> Pair | None:
    if body is None:
        return None
    rotation = tuple(float(part) for part in body["rotation"])
    translation = tuple(float(part) for part in body["translation_mm"])
    if (len(rotation), len(translation)) != (9, 3) or not all(
        map(isfinite, rotation + translation)
    ):
        raise ClipError("no pair of cameras stands like that")
    return Pair(
        _lens(body["infrared"]),
        cast(tuple[float, float, float, float, float, float, float, float, float], rotation),
        cast(tuple[float, float, float], translation),
    )


def _rate(fps: Any) -> float:
    if not _MIN_FPS <= float(fps) <= _MAX_FPS:
        raise ClipError(f"no camera has {fps} frames per second")
    return float(fps)
