"""Who or what presents itself: the artefact of each species, its sizes and materials drawn."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from yibao_face.models.liveness.shape import EYES
from yibao_face.models.simulator.artefact.glasses import Glasses
from yibao_face.models.simulator.artefact.living import Crossed, Hair, Living, Replica
from yibao_face.models.simulator.artefact.paper import PaperMask, Print
from yibao_face.models.simulator.artefact.screen import Screen
from yibao_face.models.simulator.artefact.sheet import Bend, Cylinder, Ellipse, Flat, Fold, Sheet
from yibao_face.models.simulator.mesh.head import HeadModel, Person
from yibao_face.models.simulator.scene import Artefact, picture_of
from yibao_face.models.simulator.sensor import Material, NoiseBank, Sight
from yibao_face.models.simulator.species import Species

_A4, _A3 = (210.0, 297.0), (297.0, 420.0)
_NOSE = (1, 4, 195)
_FACE_MIDDLE_MM = -35.0


@dataclass(frozen=True, slots=True, eq=False)
class Casting:
    """What an artefact is made from. ``person``: whose face is presented."""

    heads: HeadModel
    bank: NoiseBank
    sight: Sight
    rng: np.random.Generator
    person: Person
    other_rng: np.random.Generator

    def other(self) -> Person:
        """Who presents it; made only where it is needed."""
        return self.heads.person(self.other_rng)

    def uniform(self, low: float, high: float) -> float:
        """A number between."""
        return float(self.rng.uniform(low, high))

    def likely(self, chance: float) -> bool:
        """True with this chance."""
        return bool(self.rng.random() < chance)

    def solid(self) -> Material:
        """Skin, paper, resin: few readings lost."""
        return Material(dropout=float(self.rng.choice([0, 0, 0.02, 0.06])), spot=self.spot())

    def glass(self) -> Material:
        """A display: half of them hardly readable, half a valid plane with more noise."""
        if self.likely(0.5):
            return Material(dropout=self.uniform(0.4, 0.97), spot=self.spot())
        return Material(self.uniform(1, 2.5), self.uniform(0, 0.2), self.spot())

    def spot(self) -> int:
        """Size of the spots."""
        return int(self.rng.integers(0, 3))


def cast(species: Species, casting: Casting) -> Artefact:
    """The artefact of ``species``; of ``SWAP`` the accomplice, of ``FROZEN`` who was recorded."""
    return _MAKERS[species](casting)


def _living(c: Casting, person: Person | None = None) -> Living:
    expression: dict[str, float] = {}
    if c.likely(0.5):
        for unit in c.rng.choice(c.heads.resting_units, 2):
            expression[str(unit)] = c.uniform(0, 0.8)
    line_mm = c.uniform(25, 60)
    hair = Hair(line_mm, c.bank.window(c.rng, c.sight.shape)) if c.likely(0.35) else None
    glasses = Glasses(c.uniform(0.1, 0.8)) if c.likely(0.3) else None
    who = person if person is not None else c.person
    return Living(c.heads, c.bank, who, expression, hair, glasses, c.solid())


def _accomplice(c: Casting) -> Living:
    return _living(c, c.other())


def _sheet_of(c: Casting, bend: Bend, size: float, *, bent_down: bool = False) -> Sheet:
    width, height = _A4 if c.likely(0.6) else _A3
    return Sheet(width, height, _FACE_MIDDLE_MM * size, bend, bent_down)


def _print_flat(c: Casting) -> Print:
    return _print(c, Flat())


def _print_curved(c: Casting) -> Print:
    return _print(c, Cylinder(c.uniform(65, 260)), bent_down=c.likely(0.2))


def _print_vfold(c: Casting) -> Print:
    return _print(c, Fold(float(np.radians(c.uniform(10, 40))), c.uniform(1, 12)))


def _print(c: Casting, bend: Bend, *, bent_down: bool = False) -> Print:
    size = c.uniform(0.85, 1.12)
    sheet = _sheet_of(c, bend, size, bent_down=bent_down)
    picture = picture_of(c.heads, c.person.vertices, size)
    return Print(c.heads, sheet, picture, material=c.solid())


def _print_eyeholes(c: Casting) -> Print:
    bend = Cylinder(c.uniform(65, 260)) if c.likely(0.6) else Flat()
    return _cut_out(c, bend, nose=False, gap_mm=c.uniform(2, 25))


def _print_nose_slit(c: Casting) -> Print:
    return _cut_out(c, Cylinder(c.uniform(65, 130)), nose=True, gap_mm=-c.uniform(3, 18))


def _cut_out(c: Casting, bend: Bend, *, nose: bool, gap_mm: float) -> Print:
    size = c.uniform(0.9, 1.1)
    picture = picture_of(c.heads, c.person.vertices, size)
    holes = [_hole(picture, corners, c.uniform(15, 18), c.uniform(8, 12)) for corners in EYES]
    if nose:
        holes.append(_hole(picture, _NOSE, c.uniform(11, 17), c.uniform(17, 25)))
    flat = _sheet_of(c, bend, size)
    sheet = Sheet(flat.width, flat.height, flat.middle, bend, holes=tuple(holes))
    return Print(c.heads, sheet, picture, c.other(), gap_mm, own_eyes=True, material=c.solid())


def _hole(picture: np.ndarray, at: tuple[int, ...], across: float, down: float) -> Ellipse:
    x, y = picture[list(at)].mean(0)
    return Ellipse(float(x), float(y), across, down)


def _print_under_glasses(c: Casting) -> Print:
    size = c.uniform(0.92, 1.08)
    outline = Ellipse(0, _FACE_MIDDLE_MM * size, c.uniform(66, 80), c.uniform(95, 112))
    sheet = Sheet(210, 297, _FACE_MIDDLE_MM * size, Cylinder(c.uniform(70, 120)), outline=outline)
    glasses = Glasses(c.uniform(0.1, 0.8), c.uniform(3, 14))
    return Print(
        c.heads,
        sheet,
        picture_of(c.heads, c.person.vertices, size),
        c.other(),
        c.uniform(2, 12),
        glasses=glasses,
        material=c.solid(),
    )


def _phone(c: Casting) -> Screen:
    return _screen(c, (72, 155), c.uniform(0.4, 0.62), held=True)


def _tablet(c: Casting) -> Screen:
    return _screen(c, (c.uniform(150, 190), c.uniform(210, 260)), c.uniform(0.6, 0.95), held=True)


def _tablet_tilted(c: Casting) -> Screen:
    # So close to the picture's rim that no bezel is seen, and turned away from the camera.
    frame = (c.uniform(180, 215), c.uniform(250, 285))
    screen = _screen(c, frame, c.uniform(0.85, 1.08), held=True, plays=True)
    aside = c.uniform(15, 35) * (1 if c.likely(0.5) else -1)
    return replace(screen, tilt_deg=(aside, c.uniform(-20, 20)))


def _monitor(c: Casting, *, plays: bool = False) -> Screen:
    frame = (c.uniform(340, 560), c.uniform(200, 330))
    return _screen(c, frame, c.uniform(0.85, 1.15), held=False, plays=plays)


def _video(c: Casting) -> Screen:
    return _monitor(c, plays=True)


def _screen(
    c: Casting,
    frame: tuple[float, float],
    size: float,
    *,
    held: bool,
    plays: bool = False,
) -> Screen:
    sheet = Sheet(frame[0], frame[1], _FACE_MIDDLE_MM * size)
    return Screen(c.heads, sheet, c.person, size, plays, held, material=c.glass())


def _paper_mask(c: Casting) -> PaperMask:
    return PaperMask(
        c.heads,
        c.person,
        c.other(),
        size=c.uniform(0.85, 1.12),
        radius_mm=c.uniform(70, 110),
        follows=c.uniform(0, 0.55),
        softness=c.uniform(1.5, 4),
        gap_mm=c.uniform(2, 25),
        jaw_share=c.uniform(0.05, 0.35),
        material=c.solid(),
    )


def _mini(c: Casting) -> Replica:
    return Replica(c.heads, c.person, c.uniform(0.45, 0.72), material=c.solid())


def _resin(c: Casting) -> Replica:
    size = c.uniform(0.98, 1.06)  # worn over a face: a little larger than it
    return Replica(c.heads, c.person, size, eyes_free=c.likely(0.5), material=c.solid())


def _mannequin(c: Casting) -> Replica:
    return Replica(c.heads, c.person, material=c.solid())


def _silicone(c: Casting) -> Replica:
    return Replica(
        c.heads,
        c.person,
        c.uniform(1.0, 1.06),
        jaw_share=c.uniform(0.2, 0.8),
        eyes_free=True,
        material=c.solid(),
    )


def _crossed(c: Casting) -> Crossed:
    off = (c.rng.normal(0, 14), c.rng.normal(0, 14), c.rng.normal(0, 40))
    turn, both = float(c.rng.normal(0, 8)), c.likely(0.5)
    return Crossed(_living(c), _living(c, c.other()), off, turn, both)


_MAKERS: dict[Species, Callable[[Casting], Artefact]] = {
    Species.LIVE: _living,
    Species.PRINT_FLAT: _print_flat,
    Species.PRINT_CURVED: _print_curved,
    Species.PRINT_VFOLD: _print_vfold,
    Species.PRINT_EYEHOLES: _print_eyeholes,
    Species.PRINT_NOSE_SLIT: _print_nose_slit,
    Species.PRINT_UNDER_GLASSES: _print_under_glasses,
    Species.PHONE: _phone,
    Species.TABLET: _tablet,
    Species.TABLET_TILTED: _tablet_tilted,
    Species.MONITOR: _monitor,
    Species.VIDEO: _video,
    Species.PAPER_MASK: _paper_mask,
    Species.MINI_3D: _mini,
    Species.RESIN_MASK: _resin,
    Species.MANNEQUIN: _mannequin,
    Species.SILICONE_MASK: _silicone,
    Species.SWAP: _accomplice,
    Species.FROZEN: _living,
    Species.CROSSED: _crossed,
}
