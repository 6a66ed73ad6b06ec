"""Tables of what is done to a counter, and what the doctor must find then."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from doctor_bed import Bench

from yibao_face.daemon.doctor.check import Level

OK, WARN, FAIL, SKIP = Level
Breaks = Callable[[Bench], object]


@dataclass(frozen=True)
class Case:
    id: str
    level: Level
    told: str
    make: Breaks


CASES: list[Case] = []


def case(id_: str, level: Level, told: str = "") -> Callable[[Breaks], Breaks]:
    """The check must find ``level`` after ``make``, and say ``told``."""

    def listed(make: Breaks) -> Breaks:
        CASES.append(Case(id_, level, told, make))
        return make

    return listed


def quiet(bench: Bench) -> None:
    """As the bench is."""


def listed(id_: str, level: Level, told: str, make: Breaks) -> None:
    CASES.append(Case(id_, level, told, make))


def machine(**changed: object) -> Breaks:
    def make(bench: Bench) -> None:
        bench.machine = replace(bench.machine, **changed)  # type: ignore[arg-type]  # a table

    return make


def put(name: str, content: str = "") -> Breaks:
    return lambda bench: bench.put(name, content)


def setting(section: str, **values: object) -> Breaks:
    return lambda bench: bench.set(section, **values)
