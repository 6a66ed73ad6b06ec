"""Every call by every role: whoever lacks the permission is refused, whoever has it is not."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from center_bed import Answer
from harness import ROOT
from office_bed import Bureau, Person, bureau

from yibao_face.sync.center.office.door.handler import HANDLERS
from yibao_face.sync.center.office.door.openapi import document
from yibao_face.sync.center.office.door.permission import ROLES, Permission, Role
from yibao_face.sync.center.office.door.table import PREFIX, ROUTES, Route

ANYONE = {"login", "session", "logout", "password"}
DOCUMENT = json.loads((ROOT / "docs" / "office-openapi.json").read_text("utf-8"))


def call(person: Person, route: Route) -> Answer:
    path = PREFIX + re.sub(r"{\w+}", "x", route.path)
    return person.raw(route.method, path, b"", Content_Type="application/json")


@pytest.mark.parametrize("role", [*Role, None], ids=str)
def test_each_call_is_open_to_exactly_the_roles_that_have_its_permission(
    tmp_path: Path, role: Role | None
) -> None:
    with bureau(tmp_path / "center") as office:
        grants = [] if role is None else [(role.value, "*")]
        person = office.someone("somebody", *grants)
        held = frozenset[Permission]() if role is None else ROLES[role]
        found: dict[str, bool] = {}
        wanted: dict[str, bool] = {}
        for route in ROUTES:
            if route.name in ANYONE:
                continue
            answer = call(person, route)
            assert answer.status < 500, (route.name, answer)
            refused = (answer.status, answer.body.get("error") if answer.status != 200 else "")
            found[route.name] = refused == (403, "permission")
            wanted[route.name] = (
                route.permission is not Permission.SELF and route.permission not in held
            )

        assert wanted == found


def test_nobody_gets_anywhere_without_a_session(office: Bureau) -> None:
    stranger = office.stranger()

    answers = {r.name: call(stranger, r) for r in ROUTES if r.name != "login"}

    assert dict.fromkeys(answers, (401, "signed-out")) == {
        name: (answer.status, answer.body["error"]) for name, answer in answers.items()
    }


def test_every_permission_is_held_by_a_role_and_asked_for_by_a_route() -> None:
    asked = {route.permission for route in ROUTES} - {None}
    held = frozenset[Permission]().union(*ROLES.values())

    assert {*Permission} - {Permission.SELF} == held
    assert {*Permission} - {Permission.UNMASK} == asked


def test_who_keeps_the_system_sees_no_patient_and_who_acts_keeps_no_log() -> None:
    assert ROLES[Role.ADMIN].isdisjoint({Permission.RECORD_READ, Permission.UNMASK})
    assert [Role.AUDITOR] == [role for role in Role if Permission.AUDIT_READ in ROLES[role]]
    writing = {p for p in ROLES[Role.AUDITOR] if not p.value.endswith(".read")}
    assert set[Permission]() == writing


def test_every_route_has_its_handler_and_no_other() -> None:
    assert {*HANDLERS} | {"login", "session"} == {route.name for route in ROUTES}
    assert len(ROUTES) == len({(route.method, route.path) for route in ROUTES})


def test_the_document_is_that_of_the_table() -> None:
    assert document() == DOCUMENT


def test_every_ref_of_the_document_leads_somewhere() -> None:
    refs = {*re.findall(r'"#/components/schemas/(\w+)"', json.dumps(DOCUMENT))}

    assert refs <= {*DOCUMENT["components"]["schemas"]}


def test_the_document_says_who_may_call() -> None:
    paths: dict[str, dict[str, Any]] = DOCUMENT["paths"]

    assert ["auditor"] == paths[f"{PREFIX}/audit"]["get"]["x-roles"]
    assert "security" not in paths[f"{PREFIX}/session"]["post"]


def test_the_manual_lists_every_word_of_refusal() -> None:
    text = (ROOT / "docs" / "office.md").read_text("utf-8")
    folder = ROOT / "sync" / "center" / "office"
    sources = "".join(file.read_text("utf-8") for file in folder.rglob("*.py"))
    words = {*re.findall(r"RefusedError\(\s*(?:\d{3}|exc\.status), \"([a-z-]+)\"", sources)}

    assert len(words) > 20
    assert set[str]() == {word for word in words if f"`{word}`" not in text}
