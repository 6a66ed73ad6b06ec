"""Error against rejection: what refusing the worst pictures by each measure does to the FRR.

Two tables over a folder of persons. The first refuses the worst pictures as they are. What hardly
occurs among them, masks and reflections, is drawn over the faces for the second: simulated, and
called so.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import combinations, islice
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from match_faces import interval
from scipy.stats import fisher_exact

from yibao_face.daemon.booth.still.photo import Image, decode
from yibao_face.daemon.config import load_config
from yibao_face.daemon.core.quality import Limits
from yibao_face.daemon.wiring import weight_store
from yibao_face.models.api import DenseFace, Detection, Embedding, Points
from yibao_face.models.detect import most_central
from yibao_face.models.embed import align
from yibao_face.models.quality import eye_distance, eye_opening, measure_cover, measure_quality
from yibao_face.models.suite import FaceModels, load_face_models

THRESHOLD = 0.4621
SHARES = (0, 1, 2, 5, 10, 20)
# Outline of a mask among the 478 points: from ear to ear under the chin, back over the nose.
_JAW = (93, 132, 58, 172, 136, 150, 149, 176, 148, 152, 377, 400, 378, 379, 365, 397, 288, 361)
MASK = np.array([*_JAW, 323, 346, 347, 197, 118, 117])
CLOTHS = {"blue mask": (205, 185, 140), "white mask": (235, 235, 235), "black mask": (45, 42, 40)}
# Width of a reflection in widths of the eye.
GLARES = {"small glare": 0.5, "large glare": 1.0}

Draw = Callable[[Image, Points], Image]
Floats = npt.NDArray[np.float64]
Pairs = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """One picture: whose, its file, its embedding, its measures.

    Higher is better in all of them: angles, darkness and glare carry a minus.
    """

    owner: str
    file: Path
    vector: Embedding
    measures: dict[str, float]
    dense: DenseFace | None


def main() -> int:
    """Measure and embed every picture, then print both tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--drawn", type=int, default=700, help="persons drawn upon")
    given = parser.parse_args()
    cv2.setNumThreads(1)
    models = load_face_models(weight_store(load_config()))
    try:
        files = sorted(given.folder.glob("*/*.jpg"))
        seen = [s for s in (look(models, file) for file in files) if s is not None]
        pairs = genuine([s.owner for s in seen])
        print_curves(seen, pairs)
        print_drawn(models, seen, one_each(seen, pairs, given.drawn))
    finally:
        models.close()
    return 0


def look(models: FaceModels, file: Path, draw: tuple[Draw, Points] | None = None) -> Seen | None:
    """One picture as the daemon sees it; its most central face, as LFW means it."""
    image = decode(file.read_bytes(), file.name)
    if draw is not None:
        image = draw[0](image, draw[1])
    faces = models.detector.find(image)
    if not faces:
        return None
    face = most_central(faces, image)
    dense = models.landmarker.find(image, face)
    fine = models.detector.refine(image, face)
    vector = models.embedder.embed(align(image, fine.points))
    return Seen(file.parent.name, file, vector, measured(image, face, dense), dense)


def measured(image: Image, face: Detection, dense: DenseFace | None) -> dict[str, float]:
    """Every measure; one that could not be taken is the worst."""
    quality, cover = measure_quality(image, face.box), measure_cover(image, face.points)
    found = {
        "brightness": quality.brightness,
        "darkness": -quality.brightness,
        "contrast": quality.contrast,
        "sharpness": quality.sharpness,
        "eye distance": eye_distance(face.points),
        "flush": cover.flush,
        "glare": -cover.glare,
        "detector score": face.score,
        **dict.fromkeys(("yaw", "pitch", "roll", "eye opening"), -np.inf),
    }
    if dense is not None:
        pose = dense.pose
        found |= {"yaw": -abs(pose.yaw_deg), "pitch": -abs(pose.pitch_deg)}
        found |= {"roll": -abs(pose.roll_deg), "eye opening": eye_opening(dense.points)}
    return found


def genuine(owners: list[str]) -> Pairs:
    """(n, 2) pictures of one person, at most ten pairs of each."""
    names = np.array(owners)
    groups = (np.flatnonzero(names == name) for name in dict.fromkeys(owners))
    return np.array([pair for own in groups for pair in islice(combinations(own, 2), 10)])


def one_each(seen: list[Seen], pairs: Pairs, most: int) -> Pairs:
    """The first pair of each person whose first picture can be drawn upon."""
    able = [(int(a), int(b)) for a, b in pairs if seen[a].dense is not None]
    first = {seen[a].owner: (a, b) for a, b in reversed(able)}
    return np.array(sorted(first.values())[:most])


def print_curves(seen: list[Seen], pairs: Pairs) -> None:
    """The FRR of what is left once the worst q % of all pictures are refused, by measure."""
    wrong = lost(seen, pairs)
    print(f"pictures {len(seen)}, genuine pairs {len(pairs)}, threshold {THRESHOLD}")
    print(f"FRR {interval(int(wrong.sum()), len(wrong))}\n")
    heads = " | ".join(f"q = {share} %" for share in SHARES)
    print(f"| measure | {heads} | pairs refused at 1 %: lost, p |\n|---|{'---|' * 7}")
    for name in seen[0].measures:
        values = np.array([s.measures[name] for s in seen])
        print(f"| {name} | {' | '.join(curve(values, wrong, pairs))} |")


def curve(values: Floats, wrong: npt.NDArray[np.bool_], pairs: Pairs) -> Iterator[str]:
    """A cell for each share: FRR in % and the limit; then whether those refused were worse."""
    limits = [np.sort(values)[len(values) * share // 100] for share in SHARES]
    for limit in limits:
        kept = (values >= limit)[pairs].all(axis=1)
        yield f"{100 * wrong[kept].mean():.2f} ({limit:.3g})"
    out = (values < limits[1])[pairs].any(axis=1)
    hit, total = int(wrong[out].sum()), int(out.sum())
    rest, kept_pairs = int(wrong.sum()) - hit, len(wrong) - total
    table = np.array([[hit, total - hit], [rest, kept_pairs - rest]])
    yield f"{hit}/{total}, {fisher_exact(table, 'greater').pvalue:.2g}"


def lost(seen: list[Seen], pairs: Pairs) -> npt.NDArray[np.bool_]:
    """Whether each pair of one person fails the threshold."""
    vectors = np.stack([s.vector for s in seen])
    cosines = (vectors[pairs[:, 0]] * vectors[pairs[:, 1]]).sum(axis=1)
    return np.asarray(cosines < THRESHOLD, np.bool_)


def print_drawn(models: FaceModels, seen: list[Seen], pairs: Pairs) -> None:
    """Masks and reflections drawn on the first picture of each pair, and what the gates see."""
    wrong = lost(seen, pairs)
    print(f"\nsimulated, on the first picture of {len(pairs)} pairs, one a person\n")
    print(f"| drawn | faces found | FRR | below flush limit | above glare limit |\n|{'---|' * 5}")
    print(
        f"| nothing | {len(pairs)} | {interval(int(wrong.sum()), len(wrong))} | {flagged(seen)} |"
    )
    links: list[tuple[int, int]] = [(int(pair[0]), int(pair[1])) for pair in pairs]
    drawings = {name: cloth(colour) for name, colour in CLOTHS.items()}
    drawings |= {name: reflection(size) for name, size in GLARES.items()}
    for name, draw in drawings.items():
        probes = [(again(models, seen[a], draw), seen[b].vector) for a, b in links]
        found = [(probe, other) for probe, other in probes if probe is not None]
        errors = sum(float(probe.vector @ other) < THRESHOLD for probe, other in found)
        gates = flagged([probe for probe, _ in found])
        print(f"| {name} | {len(found)} | {interval(errors, len(found))} | {gates} |")


def again(models: FaceModels, seen: Seen, draw: Draw) -> Seen | None:
    """The same picture drawn upon, seen anew."""
    return None if seen.dense is None else look(models, seen.file, (draw, seen.dense.points))


def flagged(seen: list[Seen]) -> str:
    """How many pictures each of the two gates refuses."""
    limits = Limits()
    masked = sum(not s.measures["flush"] >= limits.min_flush for s in seen)
    glaring = sum(not -s.measures["glare"] <= limits.max_glare for s in seen)
    return f"{masked}/{len(seen)} | {glaring}/{len(seen)}"


def cloth(colour: tuple[int, int, int]) -> Draw:
    """A mask of one colour, lit as the face is, with pleats and the noise of a camera."""

    def draw(image: Image, points: Points) -> Image:
        bare: Floats = points[MASK].astype(np.float64)
        outline = bare + 0.06 * (bare - bare.mean(axis=0))
        cover = np.zeros(image.shape[:2], np.float32)
        corners = np.asarray(np.round(outline * 16), np.int32)
        cv2.fillPoly(cover, [corners], 1.0, shift=4)
        width = float(np.ptp(outline[:, 0]))
        grey = np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), np.float32)
        soft = np.asarray(cv2.GaussianBlur(grey, (0, 0), 0.12 * width))
        light = np.clip(soft / max(1.0, float(np.percentile(soft[cover > 0.5], 90))), 0.3, 1.1)
        rows = np.arange(len(image), dtype=np.float64)[:, None]
        pleats = 1 - 0.08 * (np.sin(2 * np.pi * rows / (0.16 * width)) > 0.8)
        noise = np.random.default_rng(3).normal(0, 3, image.shape)
        lit = np.asarray(light * pleats, np.float64)[:, :, None]
        return blend(image, np.array(colour, np.float64) * lit + noise, cover, 0.8)

    return draw


def reflection(size: float) -> Draw:
    """White ellipses over both eyes, as lenses throw a lamp back."""

    def draw(image: Image, points: Points) -> Image:
        cover = np.zeros(image.shape[:2], np.float32)
        width = 1.0
        for iris, (outer, inner) in ((468, (33, 133)), (473, (362, 263))):
            width = float(np.linalg.norm(points[outer] - points[inner]))
            centre = (float(points[iris, 0]), float(points[iris, 1]))
            cv2.ellipse(cover, (centre, (width * size, width * size * 0.6), 10.0), 1.0, -1)
        return blend(image, np.full(image.shape, 268.0), cover, max(0.5, 0.05 * width))

    return draw


def blend(image: Image, over: Floats, cover: npt.NDArray[np.float32], edge_px: float) -> Image:
    """``over`` where ``cover`` is 1, with an edge as soft as a lens makes it."""
    share = np.asarray(cv2.GaussianBlur(cover, (0, 0), edge_px))[:, :, None]
    return np.clip(image * (1 - share) + over * share, 0, 255).astype(np.uint8)


if __name__ == "__main__":
    sys.exit(main())
