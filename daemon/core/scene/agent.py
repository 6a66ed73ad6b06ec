"""Agents: who may buy for whom, and how many hang on one card (S0-58, S1-15, S4-22, S4-38)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from yibao_face.daemon.core.encounter import Cause
from yibao_face.daemon.core.scene.detail import (
    date_in,
    day_of,
    has_control,
    is_sha256,
    recorded,
    texts,
)
from yibao_face.daemon.core.scene.event import HIS_KINDS, Event, Kind

# What the desk offers; anything else is written in by hand.
RELATIONS = ("配偶", "父母", "子女", "兄弟姐妹", "其他亲属", "监护人", "护理人员")
MAX_RELATION_CHARS = 20
MAX_AHEAD = timedelta(days=366)


@dataclass(frozen=True, slots=True)
class Mandate:
    """``agent`` buys for ``person``, both digests, up to and including ``until``.

    ``id``: of its record. ``revoked_ms``: when it was ended early, Unix milliseconds.
    """

    id: str
    person: str
    agent: str
    relation: str
    until: date
    documents: tuple[str, ...]
    at_ms: int
    revoked_ms: int | None = None

    def lasts(self, at_ms: int) -> bool:
        """Whether it was not over at a moment after it was made."""
        ended = self.revoked_ms is not None and self.revoked_ms < at_ms
        return not ended and day_of(at_ms) <= self.until


@dataclass(frozen=True, slots=True)
class AgentCounters:
    """Agents per insured person, insured persons per agent, purchases by agents in all."""

    agents_per_card: Mapping[str, int]
    cards_per_agent: Mapping[str, int]
    purchases: int


@dataclass(frozen=True, slots=True)
class Excess:
    """``cards``: persons with too many agents. ``agents``: agents with too many cards."""

    cards: tuple[str, ...]
    agents: tuple[str, ...]


def mandates(events: Iterable[Event]) -> list[Mandate]:
    """All registrations in their order; a new one of the same pair ends the one before.

    A record that names no agent, or whose last day cannot be read, allows nobody.
    """
    ended: list[Mandate] = []
    running: dict[tuple[str, str], Mandate] = {}
    for event in recorded(events, Kind.AGENT):
        pair = (event.person, event.text("agent"))
        made = _mandate(event)
        if made or event.text("event") == "revoke":
            old = running.pop(pair, None)
            ended += [replace(old, revoked_ms=event.at_ms)] if old else []
        if made:
            running[pair] = made
    return sorted([*ended, *running.values()], key=lambda mandate: mandate.at_ms)


def in_force(events: Iterable[Event], person: str, now_ms: int) -> list[Mandate]:
    """Who may buy for ``person`` now, Unix milliseconds."""
    own = (mandate for mandate in mandates(events) if mandate.person == person)
    return [m for m in own if m.revoked_ms is None and m.lasts(now_ms)]


def counters(events: Sequence[Event], since_ms: int) -> AgentCounters:
    """How many hang together since a moment, Unix milliseconds (S4-38).

    A pair counts when it was registered at any time since, or bought since: revoking one agent
    after the other hides none. Purchases are distinct settlements.
    """
    bought = [event for event in events if event.at_ms >= since_ms and _is_purchase(event)]
    deals = {(e.person, e.text("agent"), e.institution, e.deal_no or e.id) for e in bought}
    pairs = {(m.person, m.agent) for m in mandates(events) if m.lasts(since_ms)}
    pairs |= {(person, agent) for person, agent, _, _ in deals}
    return AgentCounters(
        Counter(person for person, _ in pairs),
        Counter(agent for _, agent in pairs),
        len(deals),
    )


def over(counted: AgentCounters, max_agents: int, max_cards: int) -> Excess:
    """Who is beyond the limits, sorted."""
    cards = [person for person, n in counted.agents_per_card.items() if n > max_agents]
    agents = [agent for agent, n in counted.cards_per_agent.items() if n > max_cards]
    return Excess(tuple(sorted(cards)), tuple(sorted(agents)))


def check_registration(
    relation: str, until: date, documents: Sequence[str], today: date
) -> str | None:
    """The problem of a registration about to be made, as a stable word; ``None``: none.

    ``until``: today to 366 days ahead. ``documents``: SHA-256 of at least one picture.
    """
    if problem := _relation_problem(relation):
        return problem
    if until < today:
        return "until-past"
    if until > today + MAX_AHEAD:
        return "until-too-far"
    if not documents:
        return "document-missing"
    return None if all(map(is_sha256, documents)) else "document-digest"


def _relation_problem(relation: str) -> str | None:
    if not relation.strip():
        return "relation-missing"
    if len(relation) > MAX_RELATION_CHARS:
        return "relation-too-long"
    return "relation-control-character" if has_control(relation) else None


def _mandate(event: Event) -> Mandate | None:
    agent, until = event.text("agent"), date_in(event.detail.get("until"))
    if event.text("event") != "register" or not agent or until is None:
        return None
    documents = texts(event.detail.get("documents"))
    relation = event.text("relation")
    return Mandate(event.id, event.person, agent, relation, until, documents, event.at_ms)


def _is_purchase(event: Event) -> bool:
    passed = event.passed and event.cause is Cause.MATCHED_AGENT
    return passed and event.kind in HIS_KINDS and bool(event.text("agent"))
