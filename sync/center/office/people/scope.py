"""In which part of the organisation somebody may do something: rows outside are not there."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, false, or_, select, true

from yibao_face.sync.center.api import RefusedError
from yibao_face.sync.center.office.door.permission import Permission, permissions_of
from yibao_face.sync.center.office.store.tables import INSTITUTION, REGION

EVERYWHERE = "*"


@dataclass(frozen=True, slots=True)
class Scope:
    """``paths``: of regions, with all below. ``institutions``: single ones, by code.

    ``within``: rows have to lie in there, too.
    """

    everything: bool = False
    paths: frozenset[str] = frozenset()
    institutions: frozenset[str] = frozenset()
    within: Scope | None = None

    def __bool__(self) -> bool:
        return self.everything or bool(self.paths) or bool(self.institutions)

    def holds(self, column: Any) -> ColumnElement[bool]:
        """The condition that a column with an institution's code lies inside."""
        own = true() if self.everything else self._listed(column)
        return own if self.within is None else and_(own, self.within.holds(column))

    def _listed(self, column: Any) -> ColumnElement[bool]:
        found: list[ColumnElement[bool]] = []
        if self.institutions:
            found.append(column.in_(sorted(self.institutions)))
        if self.paths:
            found.append(column.in_(inside(self.paths)))
        return or_(*found) if found else false()

    def has_path(self, path: str) -> bool:
        """Whether a region lies inside."""
        return self.everything or any(path.startswith(own) for own in self.paths)

    def check(self, db: Connection, institution: str) -> None:
        """Raise ``RefusedError`` unless a registered institution lies inside."""
        own = select(INSTITUTION.c.code).where(INSTITUTION.c.code == institution)
        if db.execute(own.where(self.holds(INSTITUTION.c.code))).first() is None:
            raise RefusedError(403, "scope", "机构未登记，或不在您的授权范围内")


@dataclass(frozen=True, slots=True)
class Actor:
    """Who is signed in. ``grants``: role and scope; ``scopes``: what follows by permission."""

    name: str
    display: str
    grants: tuple[tuple[str, str], ...]
    must_change: bool = False
    scopes: dict[Permission, Scope] = field(default_factory=dict[Permission, Scope])

    def scope(self, permission: Permission) -> Scope:
        """Where he may do it; empty: nowhere."""
        return self.scopes.get(permission, Scope())


def scopes_of(db: Connection, grants: Iterable[tuple[str, str]]) -> dict[Permission, Scope]:
    """What somebody with these roles may do, and where."""
    found: dict[Permission, Scope] = {}
    for role, where in grants:
        own = scope_of(db, where)
        for permission in permissions_of(role):
            found[permission] = joined(found.get(permission, Scope()), own)
    return {permission: scope for permission, scope in found.items() if scope}


def scope_of(db: Connection, where: str) -> Scope:
    """The scope a grant names; empty when its region is no longer there."""
    if where == EVERYWHERE:
        return Scope(everything=True)
    kind, _, code = where.partition(":")
    if kind == "institution":
        return Scope(institutions=frozenset({code}))
    path = db.execute(select(REGION.c.path).where(REGION.c.code == code)).scalar()
    return Scope(paths=frozenset({path})) if path else Scope()


def joined(one: Scope, other: Scope) -> Scope:
    """Both together."""
    return Scope(
        one.everything or other.everything,
        one.paths | other.paths,
        one.institutions | other.institutions,
    )


def inside(paths: Iterable[str]) -> Any:
    """The codes of the institutions in these regions and below, as a sub-query."""
    below = or_(*(REGION.c.path.startswith(path, autoescape=True) for path in sorted(paths)))
    own = select(INSTITUTION.c.code).join(REGION, REGION.c.code == INSTITUTION.c.region)
    return own.where(below)


def region_filter(db: Connection, column: Any, region: str | None) -> ColumnElement[bool]:
    """The condition that an institution lies in a region or below it; all without one."""
    if region is None:
        return true()
    path = db.execute(select(REGION.c.path).where(REGION.c.code == region)).scalar()
    return column.in_(inside([path])) if path else false()
