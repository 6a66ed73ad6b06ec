"""One picture against one: ours, OpenCV's own pipeline and dlib's on the same pictures and core.

Decision time is CPU time of detect, align, embed and compare; decoding is nobody's. Errors are
counted over whole pipelines: a picture in which no face is found is rejected. Each side takes the
most central face. Nothing here judges liveness: neither peer does.

dlib is installed from ``peers.txt`` into a venv that is removed after the run; its networks come
from a pinned package of the registry and are kept beside ours in the folder of downloads. Its
wheel is built for AVX and without BLAS: what somebody builds for his own machine may be faster.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import IO, Any

import cv2
import numpy as np
import numpy.typing as npt
from match_faces import at_far, interval
from scipy.stats import binomtest
from search import one_core

from yibao_face.daemon.booth.still.photo import decode
from yibao_face.daemon.config import load_config
from yibao_face.daemon.wiring import weight_store
from yibao_face.models.detect import most_central
from yibao_face.models.embed import align, cosine
from yibao_face.models.suite import FaceModels, load_face_models
from yibao_face.models.weights.manifest import Source
from yibao_face.models.weights.source import extract, fetch
from yibao_face.models.weights.store import WeightStore

HERE = Path(__file__).resolve().parent
FAR = 1e-4
FASTER = 5.0
SHARE_OF_ERRORS = 1 / 3
WARM_UP = 5
DLIB_WEIGHTS = Source(
    "face-recognition-models",
    "0.3.0",
    "face_recognition_models-0.3.0.tar.gz",
    "b79bd200a88c87c9a9d446c990ae71c5a626d1f3730174e6d570157ff1d896cf",
    kind="sdist",
)
_MODELS = "face_recognition_models-0.3.0/face_recognition_models/models"
DLIB_MEMBERS = {
    "shape_predictor_5_face_landmarks.dat": (
        "c4b1e9804792707d3a405c2c16a80a20269e6675021f64a41d30fffafbc41888"
    ),
    "dlib_face_recognition_resnet_model_v1.dat": (
        "55533b28a95800a551ba546ba62fe69625c7e95a7061c338adffead08719da30"
    ),
}

Image = npt.NDArray[np.uint8]
Vector = npt.NDArray[Any]
Embed = Callable[[Image], Vector | None]
Compare = Callable[[Vector, Vector], float]


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """What a side made of a picture: its numbers, none without a face, and the CPU ms."""

    vector: Vector | None
    ms: float


Look = Callable[[Image], Seen]


@dataclass(frozen=True, slots=True, eq=False)
class Result:
    """One side over all pictures. ``accepted``: which genuine pairs pass, in one order for all."""

    name: str
    ms: list[float]
    accepted: npt.NDArray[np.bool_]

    @property
    def frr(self) -> float:
        """Share of the genuine pairs that are rejected."""
        return 1 - float(self.accepted.mean())


def main() -> int:
    """0 when both targets are met against dlib."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=Path, required=True, help="one folder for each person")
    parser.add_argument("--people", type=int, default=300, help="each with two pictures")
    given = parser.parse_args()
    pictures = chosen(given.images, given.people)
    print(f"{len(pictures)} pictures of {len(pictures) // 2} persons; one core: {one_core()}")
    cv2.setNumThreads(1)
    store = weight_store(load_config())
    models = load_face_models(store)
    try:
        with dlib_side(store) as dlib:
            looks = {"ours": ours(models), "OpenCV": opencv(store), "dlib": dlib}
            seen = in_turn(looks, pictures)
    finally:
        models.close()
    results = [judged(name, found) for name, found in seen.items()]
    met = [against(results[0], peer) for peer in results[1:]]
    return 0 if met[-1] else 1


def chosen(folder: Path, people: int) -> list[Path]:
    """The first two pictures of persons drawn at random, always the same ones."""
    each = [sorted(person.glob("*.jpg"))[:2] for person in sorted(folder.iterdir())]
    pairs = [pair for pair in each if len(pair) == 2]
    drawn = random.Random(1).sample(pairs, min(people, len(pairs)))  # noqa: S311  # not a secret
    return list(chain.from_iterable(drawn))


def in_turn(looks: dict[str, Look], pictures: list[Path]) -> dict[str, list[Seen]]:
    """Every side on every picture, side by side, so that a drift of the machine hits all."""
    seen: dict[str, list[Seen]] = {name: [] for name in looks}
    for path in [*pictures[:WARM_UP], *pictures]:
        image = decode(path.read_bytes(), path.name)
        for name, look in looks.items():
            seen[name].append(look(image))
    return {name: found[-len(pictures) :] for name, found in seen.items()}


def local(embed: Embed, compare: Compare) -> Look:
    """A side of this process; each face is compared with the one before."""
    before: list[Vector] = []

    def look(image: Image) -> Seen:
        started = time.process_time()
        vector = embed(image)
        if vector is not None:
            compare(vector, before[-1] if before else vector)
        spent = (time.process_time() - started) * 1000
        before[:] = before if vector is None else [vector]
        return Seen(vector, spent)

    return look


def ours(models: FaceModels) -> Look:
    """The stages of the daemon."""

    def embed(image: Image) -> Vector | None:
        faces = models.detector.find(image)
        if not faces:
            return None
        face = most_central(faces, image)
        fine = models.detector.refine(image, face)
        return models.embedder.embed(align(image, fine.points))

    return local(embed, cosine)


def opencv(store: WeightStore) -> Look:
    """FaceDetectorYN at the size of the picture, FaceRecognizerSF, with our files of weights."""
    entry = store.manifest.by_role("detector")
    archive = fetch(store.manifest.sources[entry.source], downloads(store))
    buffer = np.frombuffer(extract(archive, entry.member, entry.sha256), np.uint8)
    nothing = np.zeros(0, np.uint8)
    detector = cv2.FaceDetectorYN.create("onnx", buffer, nothing, (250, 250), 0.7, 0.3, 50)
    # OpenCV cannot run the carried int8 blocks of the recognizer: hence the installed file.
    recognizer = cv2.FaceRecognizerSF.create(
        str(store.path(store.manifest.by_role("embedder"))), ""
    )

    def embed(image: Image) -> Vector | None:
        detector.setInputSize((image.shape[1], image.shape[0]))
        faces: Any = detector.detect(image)[1]
        if faces is None:
            return None
        middle = np.array([image.shape[1], image.shape[0]]) / 2
        face = min(faces, key=lambda f: float(np.abs(f[:2] + f[2:4] / 2 - middle).sum()))
        # The recognizer gives out its own buffer, overwritten by the next face.
        return np.array(recognizer.feature(recognizer.alignCrop(image, face)))

    return local(embed, lambda one, other: recognizer.match(one, other, 0))


@contextlib.contextmanager
def dlib_side(store: WeightStore) -> Generator[Look, None, None]:
    """dlib in a process and a venv of its own, both gone afterwards."""
    archive = fetch(DLIB_WEIGHTS, downloads(store))
    with tempfile.TemporaryDirectory(prefix="yibao-peer-") as name:
        folder = Path(name)
        for member, sha256 in DLIB_MEMBERS.items():
            (folder / member).write_bytes(extract(archive, f"{_MODELS}/{member}", sha256))
        weights = [str(folder / member) for member in DLIB_MEMBERS]
        command = [str(venv_python(folder / "venv")), str(HERE / "dlib_peer.py"), *weights]
        pipe = subprocess.PIPE
        with subprocess.Popen(command, stdin=pipe, stdout=pipe) as process:
            if process.stdin is None or process.stdout is None:
                raise RuntimeError("no pipe to the peer")
            yield asked(process.stdin, process.stdout)


def asked(to: IO[bytes], back: IO[bytes]) -> Look:
    """Send a picture to the peer and read what it made of it."""

    def look(image: Image) -> Seen:
        size = {"height": image.shape[0], "width": image.shape[1]}
        rgb = np.ascontiguousarray(image[:, :, ::-1])
        to.write(json.dumps(size).encode() + b"\n" + rgb.tobytes())
        to.flush()
        answer: dict[str, Any] = json.loads(back.readline())
        vector = answer["vector"]
        return Seen(None if vector is None else np.array(vector), float(answer["ms"]))

    return look


def venv_python(folder: Path) -> Path:
    """Interpreter of a new venv with the peers, every file checked by its hash."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    python = folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet"]
    pip += ["--disable-pip-version-check", "--no-deps", "--only-binary", ":all:"]
    pip += ["--require-hashes", "--requirement", str(HERE / "peers.txt")]
    subprocess.run(pip, check=True)
    return python


def downloads(store: WeightStore) -> Path:
    """Where packages that carry weights are kept."""
    return store.folder.parent / "downloads"


def judged(name: str, seen: list[Seen]) -> Result:
    """Print and return the errors and the time of one side."""
    found = np.array([s.vector is not None for s in seen])
    alike = likeness(name, seen)
    genuine = alike[np.arange(0, len(seen), 2), np.arange(1, len(seen), 2)]
    first, second = np.triu_indices(len(seen), 1)
    impostor = alike[first, second][first // 2 != second // 2]
    limit = at_far(impostor, FAR)
    accepted = genuine >= limit
    both = found[::2] & found[1::2]
    ms = [s.ms for s in seen if s.vector is not None]
    p50, p95 = np.percentile(ms, (50, 95))
    print(
        f"{name:7} {p50:6.1f} / {p95:6.1f} CPU ms p50 / p95; no face in {int((~found).sum())}; "
        f"at {'distance' if name == 'dlib' else 'cosine'} {abs(limit):.4f}\n"
        f"        FRR {interval(int((~accepted).sum()), len(accepted))}, "
        f"where both faces were found {interval(int((both & ~accepted).sum()), int(both.sum()))}\n"
        f"        FAR {interval(int((impostor >= limit).sum()), len(impostor))}"
    )
    return Result(name, ms, accepted)


def likeness(name: str, seen: list[Seen]) -> npt.NDArray[np.float32]:
    """Every picture against every other, more is more alike; nobody is like no face."""
    size = next(s.vector.size for s in seen if s.vector is not None)
    rows = [np.full(size, np.nan) if s.vector is None else s.vector.ravel() for s in seen]
    vectors = np.array(rows, np.float64)
    if name == "dlib":
        alike = -np.stack([np.linalg.norm(vectors - row, axis=1) for row in vectors])
    else:
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        alike = vectors @ vectors.T
    return np.where(np.isnan(alike), -np.inf, alike).astype(np.float32)


def against(mine: Result, peer: Result) -> bool:
    """Print how ours stands to a peer; whether both targets are met."""
    faster = statistics.median(peer.ms) / statistics.median(mine.ms)
    share = mine.frr / peer.frr if peer.frr else 1.0
    only_mine = int((~mine.accepted & peer.accepted).sum())
    only_peer = int((mine.accepted & ~peer.accepted).sum())
    chance = binomtest(only_mine, only_mine + only_peer).pvalue if only_mine + only_peer else 1.0
    print(
        f"against {peer.name}: {faster:.1f} times as fast, {share:.2f} of its FRR; pairs rejected "
        f"only by ours {only_mine}, only by {peer.name} {only_peer} (sign test p = {chance:.2g})"
    )
    return faster >= FASTER and share <= SHARE_OF_ERRORS


if __name__ == "__main__":
    sys.exit(main())
