"""The demo clips: photographs turned into ``.rgbd`` recordings by a seeded script."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt

from yibao_face.daemon.booth.still.photo import PhotoError, decode
from yibao_face.daemon.demo.picture import scene
from yibao_face.daemon.demo.picture.portraits import load_portrait
from yibao_face.drivers.clip import ClipWriter
from yibao_face.models.suite import FaceModels

# Counted up whenever the clips would come out differently: older ones are then made again.
RECIPE = 1
_RECIPE_FILE = "recipe.txt"
FPS = 15.0
FRAMES = 24
# clip -> portrait and what is done with it. `first` is enrolled from other photographs of him.
_SINGLE: dict[str, tuple[str, scene.Scene]] = {
    "live-first": ("first-2", scene.living),
    "live-second": ("second", scene.living),
    "live-third": ("third", scene.living),
    "flat-first": ("first-2", scene.flat_print),
    "bent-first": ("first-2", scene.bent_print),
    "tablet-first": ("first-2", scene.tablet),
}


def make_clips(
    models: FaceModels, cache: Path, folder: Path, seed: int, progress: Callable[[str], None]
) -> list[Path]:
    """Write every demo clip into ``folder``; the same seed gives the same frames."""
    (folder / _RECIPE_FILE).unlink(missing_ok=True)
    portraits = {name for name, _ in _SINGLE.values()}
    subjects = {name: subject(models, cache, name) for name in sorted(portraits)}
    views = {clip: place(subjects[name]) for clip, (name, place) in _SINGLE.items()}
    views["two-faces"] = scene.beside(views["live-first"], views["live-second"])
    views["nobody"] = scene.empty()
    made: list[Path] = []
    for number, (name, view) in enumerate(views.items()):
        path = folder / f"{name}.rgbd"
        _record(path, name, view, np.random.default_rng([seed, number]))
        progress(f"clip {number + 1}/{len(views)}: {name}")
        made.append(path)
    (folder / _RECIPE_FILE).write_text(str(RECIPE), "ascii")
    return made


def has_clips(folder: Path) -> bool:
    """Whether ``folder`` holds all clips of this recipe."""
    try:
        return (folder / _RECIPE_FILE).read_text("ascii") == str(RECIPE)
    except OSError:
        return False


def subject(models: FaceModels, cache: Path, portrait: str) -> scene.Subject:
    """A portrait with its dense face; ``PhotoError`` where none is found."""
    image = decode(load_portrait(portrait, cache), portrait)
    faces = models.detector.find(image)
    dense = models.landmarker.find(image, faces[0]) if faces else None
    if dense is None:
        raise PhotoError(f"{portrait} shows no face")
    return scene.Subject(image, dense)


def _record(path: Path, label: str, view: scene.View, rng: np.random.Generator) -> None:
    phase = rng.uniform(0, 2 * np.pi, 3)
    with ClipWriter(path, scene.LENS, FPS, label) as clip:
        for index in range(FRAMES):
            sway = _sway(2 * np.pi * index / FRAMES, phase)
            clip.add(scene.expose(view, sway, rng), round(index * 1e6 / FPS))


def _sway(angle: float, phase: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """How somebody standing still moves: a few pixels, a degree; closed, so the clip loops."""
    turn = np.radians(1.0) * np.sin(angle + phase[0])
    dx, dy = 3.0 * np.sin(angle + phase[1]), 2.0 * np.sin(angle + phase[2])
    cos, sin = np.cos(turn), np.sin(turn)
    cx, cy = scene.LENS.cx, scene.LENS.cy
    rotation = np.array([[cos, -sin], [sin, cos]])
    shift = np.array([cx + dx, cy + dy]) - rotation @ np.array([cx, cy])
    return np.hstack([rotation, shift[:, None]])
