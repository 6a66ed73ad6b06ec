"""What is registered by word and paper: agents, special cases, their review, released locks."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from yibao_face.daemon.capture.attempt import Attempt
from yibao_face.daemon.core.encounter import Cause
from yibao_face.daemon.core.scene import agent as agent_rule
from yibao_face.daemon.core.scene import special as special_rule
from yibao_face.daemon.core.scene.event import HIS_KINDS, Kind
from yibao_face.daemon.core.scene.special import EVIDENCE, TITLES, Case
from yibao_face.daemon.desk.desk import Desk, Done, recorded
from yibao_face.daemon.desk.form import Form, FormError
from yibao_face.daemon.gallery.gallery import Numbers, UnknownPersonError
from yibao_face.daemon.gallery.keeper import AGENT, REGISTRATION
from yibao_face.daemon.ledger import Entry

_PROBLEMS = {
    "today-only": "只能登记当天",
    "from-past": "开始日期不能早于今天",
    "until-before-from": "结束日期不能早于开始日期",
    "until-too-far": "日期太远，请缩短有效期",
    "until-past": "有效期不能早于今天",
    "document-missing": "请拍摄委托人和代购人的证件后再登记",
    "relation-missing": f"请填写代购关系，如{'、'.join(agent_rule.RELATIONS)}",
    "relation-too-long": "代购关系不超过20个字",
}
# How far back the counters of agents look (S4-38).
_COUNTED = timedelta(days=365)
_COUNTED_CAUSES = (Cause.MATCHED_AGENT, Cause.RECORDED)


def register_agent(desk: Desk, form: Form, _attempt: Attempt) -> Done:
    """Let one enrolled person buy for another until a day, on documents shown (S0-58, S1-15)."""
    institution = desk.institution(form)
    principal, agent = (
        _enrolled(desk, form, "id", "参保人"),
        _enrolled(desk, form, "agent_id", "代购人"),
    )
    if principal == agent:
        raise FormError("本人不能登记为自己的代购人")
    until, relation = form.day("until", "有效期"), form.text_or_empty("relation", "关系", 20)
    id_ = desk.ledger.new_id()
    documents = desk.keep(form, AGENT, id_)
    _refuse(agent_rule.check_registration(relation, until, documents, desk.ledger.clock.today()))
    detail = {
        "event": "register",
        "agent": agent,
        "relation": relation,
        "until": until.isoformat(),
        "documents": documents,
        "staff": form.text("staff", "工号"),
    }
    # On record first: a relation nobody registered must never let anybody pass.
    done = desk.note(Entry(Kind.AGENT, recorded(), institution, principal, detail=detail), id_)
    desk.gallery.allow_agent(principal, agent, relation, until)
    return Done(done.cause, done.id, _over(desk, institution))


def revoke_agent(desk: Desk, form: Form, _attempt: Attempt) -> Done:
    """End an agent's registration at once."""
    institution = desk.institution(form)
    principal, agent = (
        _enrolled(desk, form, "id", "参保人"),
        _enrolled(desk, form, "agent_id", "代购人"),
    )
    desk.gallery.revoke_agent(principal, agent)
    detail = {"event": "revoke", "agent": agent, "staff": form.text("staff", "工号")}
    return desk.note(Entry(Kind.AGENT, recorded(), institution, principal, detail=detail))


def register_special(desk: Desk, form: Form, _attempt: Attempt) -> Done:
    """One of the four cases in which a face cannot be shown, with its photograph (S0-52)."""
    institution, (_, person) = desk.institution(form), desk.subject(form)
    today = desk.ledger.clock.today()
    case = form.choice("case", "登记类型", Case)
    since, until = form.day("from", "开始日期", today), form.day("until", "结束日期", today)
    id_ = desk.ledger.new_id()
    photos = desk.keep(form, REGISTRATION, id_)
    if not photos:
        raise FormError(f"{TITLES[case]}：{EVIDENCE[case]}后再登记")
    _refuse(special_rule.check_registration(case, since, until, photos, today))
    detail = {
        "case": case.value,
        "from": since.isoformat(),
        "until": until.isoformat(),
        "photos": photos,
        "staff": form.text("staff", "工号"),
    }
    sealed = {"note": form.text_or_empty("note", "说明", 200)}
    entry = Entry(Kind.SPECIAL, recorded(), institution, person, detail=detail, sealed=sealed)
    return desk.note(entry, id_)


def review(desk: Desk, form: Form, _attempt: Attempt) -> Done:
    """Approve or reject a special registration; a rejected one no longer counts.

    Who registered it may not review it: a second person looks (S0-52).
    """
    institution, of = desk.institution(form), form.text("of", "登记编号", 40)
    known = special_rule.registrations(desk.events(institution, Kind.SPECIAL, Kind.REVIEW))
    found = next((r for r in known if r.id == of), None)
    if found is None:
        raise FormError("没有这条特殊登记，请核对登记编号(of)")
    reviewer = form.text("staff", "审核人工号")
    if special_rule.is_own(found, reviewer):
        raise FormError("登记人不能审核自己的登记，请由另一人审核")
    detail = {
        "of": of,
        "approved": form.flag("approved", "是否通过"),
        "reviewer": reviewer,
    }
    return desk.note(Entry(Kind.REVIEW, recorded(), institution, found.person, detail=detail))


def release(desk: Desk, form: Form, _attempt: Attempt) -> Done:
    """A named staff member lifts the pause after repeated spoofs, with the reason."""
    institution, (_, person) = desk.institution(form), desk.subject(form)
    detail = {"staff": form.text("staff", "工号"), "reason": form.text("reason", "原因", 100)}
    return desk.note(Entry(Kind.RELEASE, recorded(), institution, person, detail=detail))


def view_queue(desk: Desk, form: Form) -> dict[str, Any]:
    """Special registrations that wait for review, oldest first."""
    events = desk.events(desk.institution(form), Kind.SPECIAL, Kind.REVIEW)
    return {
        "waiting": [
            {
                "of": r.id,
                "person": r.person[:12],
                "case": r.case.value,
                "title": TITLES[r.case],
                "from": r.since.isoformat(),
                "until": r.until.isoformat(),
                "photos": list(r.photos),
                "staff": r.staff,
            }
            for r in special_rule.queue(events)
        ]
    }


def view_agents(desk: Desk, form: Form) -> dict[str, Any]:
    """Agents per card and cards per agent (S4-38); with an ``id``, who may buy for that person."""
    institution = desk.institution(form)
    shown = _over(desk, institution)
    if form.text_or_empty("id", "证件号码", 30):
        _, person = desk.subject(form)
        events = desk.events(institution, Kind.AGENT)
        now_ms = desk.ledger.clock.unix_ms()
        shown["allowed"] = [
            {"agent": m.agent[:12], "relation": m.relation, "until": m.until.isoformat()}
            for m in agent_rule.in_force(events, person, now_ms)
        ]
    return shown


def _over(desk: Desk, institution: str) -> dict[str, Any]:
    first = desk.ledger.clock.today() - _COUNTED
    # Purchases by agents only: a year of a pharmacy's own customers need not be read.
    events = desk.events(institution, *HIS_KINDS, Kind.AGENT, first=first, causes=_COUNTED_CAUSES)
    counters = agent_rule.counters(events, 0)
    over = agent_rule.over(counters, desk.rules.max_agents, desk.rules.max_cards)
    return {
        "agents_per_card": {p[:12]: n for p, n in counters.agents_per_card.items()},
        "cards_per_agent": {a[:12]: n for a, n in counters.cards_per_agent.items()},
        "purchases": counters.purchases,
        "cards_over": [p[:12] for p in over.cards],
        "agents_over": [a[:12] for a in over.agents],
    }


def _enrolled(desk: Desk, form: Form, key: str, title: str) -> str:
    """The person under ``key``, who must have a face in the gallery to be matched against."""
    person = desk.gallery.find(Numbers(form.text(key, f"{title}证件号码", 30).upper()))
    if person is None:
        raise UnknownPersonError(f"{key} names nobody enrolled")
    return person


def _refuse(problem: str | None) -> None:
    if problem is not None:
        raise FormError(_PROBLEMS.get(problem, f"登记内容有误({problem})"))
