"""``yibao-face calibrate``: thresholds of a network on the pictures of a site, and a report."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import cv2

from yibao_face.daemon.booth.still.photo import PhotoError
from yibao_face.daemon.calibrate.embedding import (
    CACHE,
    Embedded,
    embed_folder,
    face_picture,
    list_pictures,
)
from yibao_face.daemon.calibrate.eye import Eye, open_eye
from yibao_face.daemon.calibrate.plot import det, histogram, require_extra
from yibao_face.daemon.calibrate.report import Page, html, text
from yibao_face.daemon.calibrate.study import Study, groups_of, study
from yibao_face.daemon.calibrate.table import judge, read_labels, read_pairs
from yibao_face.daemon.cli.common import (
    CliError,
    Commands,
    command,
    config_of,
    say,
    write_file,
)
from yibao_face.daemon.clock import Clock
from yibao_face.daemon.wiring import plain_store
from yibao_face.models.weights.threshold import as_json


def add(commands: Commands) -> None:
    """Register the command."""
    parser = command(commands, "calibrate", "thresholds on your own pictures / 阈值校准")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--images", type=Path, metavar="DIR", help="DIR/person/picture / 照片文件夹")
    what.add_argument(
        "--pairs", type=Path, metavar="CSV", help="left,right,same(0/1): errors at what is in use"
    )
    parser.add_argument("--model", metavar="ID", help="network, instead of the installed one")
    parser.add_argument("--labels", type=Path, metavar="CSV", help="picture,label or person,label")
    parser.add_argument(
        "--out", type=Path, metavar="DIR", default=Path("calibration"), help="of the report / 报告"
    )
    parser.set_defaults(run=run)


def run(given: argparse.Namespace) -> int:
    """Calibrate on a folder, or judge a list of pairs."""
    require_extra()
    if given.pairs:
        if given.labels:
            raise CliError("--labels goes with --images")
        return _pairs(given)
    files = list_pictures(given.images)
    labels = read_labels(given.labels, files) if given.labels else {}
    eye = _eye(given)
    _make(given.out)
    found = embed_folder(eye, given.images, files, say, given.out / CACHE)
    _tell(found)
    result = study(found, eye.limit, groups_of(found.files, labels))
    for line in text(result):
        say(line)
    _write(eye, given, result)
    return 0


def _pairs(given: argparse.Namespace) -> int:
    pairs, eye = read_pairs(given.pairs), _eye(given)
    if eye.limit is None:
        raise CliError(f"{eye.stamp.id} has no thresholds: calibrate on --images first")
    found = judge(eye, pairs, eye.limit, say)
    say(f"{len(pairs)} 对 pairs, 不可用 unusable {found.unusable}")
    say(f"阈值 threshold {eye.limit:.4f}")
    say(f"FRR {found.frr.text}")
    say(f"FAR {found.far.text}")
    return 0


def _tell(found: Embedded) -> None:
    """Counts, never a name: a terminal is logged by many."""
    say(
        f"照片 pictures {len(found.files)}, 人员 persons {len(set(found.owners))}, "
        f"无法读取 unreadable {found.unreadable}, 未见人脸 no face {found.faceless}"
    )


def _write(eye: Eye, given: argparse.Namespace, result: Study) -> None:
    """The plots, the report and the thresholds."""
    name, date = given.images.resolve().name, Clock().today().isoformat()
    stamp = eye.stamp
    plots = _plots(result)
    for file, png in plots.items():
        _write_bytes(given.out / file, png)
    page = Page(name, f"{stamp.id} sha256 {stamp.sha256}", date, *plots.values())
    report = html(result, page, lambda file: _thumbnail(eye, given.images / file))
    write_file(given.out / "report.html", report)
    table = result.table(stamp, name, date)
    if table.rows:
        write_file(given.out / "thresholds.json", json.dumps(as_json(table), indent=1))
        say(f"阈值 {len(table.rows)} thresholds: {given.out / 'thresholds.json'}")
    else:
        say("数据太少，未写阈值 / too few pairs for a threshold: none written")
    say(f"报告含照片，只留本地 / report with pictures, keep it here: {given.out / 'report.html'}")


def _plots(result: Study) -> dict[str, bytes]:
    limits = [row.limit for row in result.rows if row.single]
    return {
        "det.png": det(result.curves),
        "histogram.png": histogram(result.curves[0].trial, limits),
    }


def _thumbnail(eye: Eye, path: Path) -> bytes | None:
    """The face as the network sees it."""
    try:
        face = face_picture(eye, path)
    except PhotoError:
        return None
    return None if face is None else cv2.imencode(".png", face)[1].tobytes()


def _eye(given: argparse.Namespace) -> Eye:
    """With the network that is named, or else the one in use."""
    config = config_of(given)
    model = config.match.model if given.model is None else given.model
    return open_eye(plain_store(config), model, config.match.margin)


def _make(folder: Path) -> None:
    """The folder of the results, for the user alone: they hold faces."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as exc:
        raise CliError(f"{folder.name} cannot be made: {exc.strerror}") from exc


def _write_bytes(path: Path, data: bytes) -> None:
    try:
        path.write_bytes(data)
    except OSError as exc:
        raise CliError(f"{path.name} cannot be written: {exc.strerror}") from exc
