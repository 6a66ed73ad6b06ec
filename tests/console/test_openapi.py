"""``docs/console-openapi.json`` says what the console does, neither more nor less."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from console_bed import Office
from harness import ROOT

from yibao_face.daemon.console.access.role import MAY, Function, Role
from yibao_face.daemon.console.api.desk import ALL_ACTS
from yibao_face.daemon.console.route import API, Anybody, AnyStaff, Route
from yibao_face.daemon.console.serve import ROUTES

DOCUMENT: dict[str, Any] = json.loads((ROOT / "docs" / "console-openapi.json").read_text("utf-8"))
OPERATIONS = {
    (method.upper(), path): operation
    for path, methods in DOCUMENT["paths"].items()
    for method, operation in methods.items()
}
# Which each ask for an id, or change what the other tests look at.
PLAIN = sorted(path for method, path in OPERATIONS if method == "GET" and "{" not in path)


def needed(route: Route) -> str:
    """What the document calls the need of a route."""
    if route.choose is not None:
        return "act" if route.method == "POST" else "view"
    if route.needs in (Anybody, AnyStaff):
        return "nobody" if route.needs is Anybody else "any"
    return str(route.needs)


def test_every_route_is_in_the_document_with_what_it_needs() -> None:
    served = {(route.method, f"{API}{route.path}"): needed(route) for route in ROUTES}

    assert served == {key: operation["x-needs"] for key, operation in OPERATIONS.items()}


def test_the_roles_are_those_of_the_table() -> None:
    table = {role.value: [f.value for f in Function if role in MAY[f]] for role in Role}
    parts = DOCUMENT["components"]

    assert table == parts["x-roles"]
    assert list(Role) == parts["schemas"]["Role"]["enum"]
    assert list(Function) == parts["schemas"]["Function"]["enum"]
    assert "erase" in ALL_ACTS


@pytest.mark.parametrize("path", PLAIN)
def test_an_answer_is_of_the_type_and_has_the_keys_the_document_names(
    shared_office: Office, path: str
) -> None:
    operation = OPERATIONS["GET", path]
    for role in Role:
        window = shared_office.window(role)
        answer = window.ask(path.removeprefix(API))
        told = operation["responses"][str(answer.status_code)]["content"]
        [(kind, media)] = told.items()
        assert kind == answer.headers["Content-Type"].partition(";")[0]
        schema = media["schema"]
        if "$ref" in schema:
            schema = DOCUMENT["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
        assert set(schema.get("required", ())) <= set(answer.json())
        assert set(schema["properties"]) <= set(answer.json())


def test_every_ref_leads_somewhere() -> None:
    refs = set(re.findall(r'"\$ref": "#/components/schemas/([^"]+)"', json.dumps(DOCUMENT)))

    assert refs
    assert refs <= set(DOCUMENT["components"]["schemas"])
