"""``docs/openapi.json`` says what the HTTP door does, neither more nor less."""

from __future__ import annotations

import json
import re
from collections.abc import Generator
from importlib import import_module
from pathlib import Path
from typing import Any, cast

import pytest
import requests
from harness import ROOT, Running, link_folder, running
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis.generation import GenerationMode

from yibao_face.daemon.config import Config
from yibao_face.daemon.desk.table import ACTS, VIEWS
from yibao_face.daemon.door.http import build_app
from yibao_face.daemon.section import CameraConfig, DoorConfig
from yibao_face.daemon.wire.field import ATTENDANCE_FIELDS, FIELDS
from yibao_face.daemon.wiring import build

# Its generics are partly untyped: taken as what they are, at this border.
SCHEMATHESIS: Any = import_module("schemathesis")
RULES: Any = import_module("schemathesis.specs.openapi.checks")
DOCUMENT: dict[str, Any] = json.loads((ROOT / "docs" / "openapi.json").read_text("utf-8"))
OPERATIONS = [(method, path) for path, methods in DOCUMENT["paths"].items() for method in methods]
# Nothing can be wrong about a call that carries nothing.
RUNS = [
    (method, path, mode)
    for method, path in OPERATIONS
    for mode in GenerationMode
    if mode is GenerationMode.POSITIVE
    or {"parameters", "requestBody"} & DOCUMENT["paths"][path][method].keys()
]
CHECKS = [
    import_module("schemathesis.checks").not_a_server_error,
    RULES.status_code_conformance,
    RULES.content_type_conformance,
    RULES.response_schema_conformance,
]
SHORT = settings(
    max_examples=40,
    phases=(Phase.explicit, Phase.generate),
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)


@pytest.fixture(scope="module")
def site(home: Config, tmp_path_factory: pytest.TempPathFactory) -> Generator[Running, None, None]:
    """One daemon for all operations: nobody enrolled, no camera."""
    folder = tmp_path_factory.mktemp("openapi")
    link_folder(folder / "models", home.models)
    config = Config(folder, door=DoorConfig(port=0), camera=CameraConfig("replay:none"))
    with running(config) as daemon:
        yield daemon


@pytest.mark.parametrize(("method", "path", "mode"), RUNS)
def test_every_answer_is_one_the_document_names(
    site: Running, method: str, path: str, mode: GenerationMode
) -> None:
    schema = SCHEMATHESIS.openapi.from_dict(DOCUMENT)
    strategy: Any = schema[path][method.upper()].as_strategy(generation_mode=mode)
    at = f"http://127.0.0.1:{site.config.door.port}"
    headers = {"Authorization": f"Bearer {site.caller.token}"}
    with requests.Session() as session:

        @seed(1)
        @SHORT
        @given(strategy)
        def ask(case: Any) -> None:
            case.call_and_validate(at, session=session, headers=headers, checks=CHECKS)

        ask()


def test_every_route_is_in_the_document_and_every_path_is_a_route(
    home: Config, tmp_path: Path
) -> None:
    link_folder(tmp_path / "models", home.models)
    with build(Config(tmp_path), demo=True) as daemon:
        app = build_app(daemon.config, daemon, "")
        served = {
            (route.method.lower(), route.resource.canonical)
            for route in app.router.routes()
            # aiohttp answers HEAD wherever it answers GET.
            if route.resource is not None and route.method != "HEAD"
        }

    assert served == set(OPERATIONS)


@pytest.mark.parametrize(("method", "table"), [("post", ACTS), ("get", VIEWS)])
def test_the_acts_and_views_of_the_desk_are_those_of_its_table(
    method: str, table: dict[str, object]
) -> None:
    parameters = DOCUMENT["paths"]["/desk/{name}"][method]["parameters"]
    [named] = [p["schema"]["enum"] for p in parameters if p["name"] == "name"]

    assert list(table) == named


def test_every_act_has_its_form() -> None:
    content = DOCUMENT["paths"]["/desk/{name}"]["post"]["requestBody"]["content"]
    forms = [entry["$ref"] for entry in content["application/json"]["schema"]["anyOf"]]

    assert [f"#/components/schemas/act.{name}" for name in ACTS] == forms


@pytest.mark.parametrize(
    ("name", "table"), [("AuthCall", FIELDS), ("AttendanceCall", ATTENDANCE_FIELDS)]
)
def test_the_calls_of_a_his_have_the_fields_of_the_interface(name: str, table: Any) -> None:
    found = cast(dict[str, Any], DOCUMENT["components"]["schemas"][name]["properties"])

    assert [(f.code, f.title, f.max_chars) for f in table] == [
        (code, schema["title"], schema.get("maxLength", 4000)) for code, schema in found.items()
    ]


def test_every_ref_leads_somewhere() -> None:
    refs = set(re.findall(r'"\$ref": "#/([^"]+)"', json.dumps(DOCUMENT)))

    assert refs
    assert [] == [ref for ref in sorted(refs) if _found(ref) is None]


def _found(ref: str) -> Any:
    """What a reference leads to; ``None``: nowhere."""
    at: Any = DOCUMENT
    for step in ref.split("/"):
        at = cast(dict[str, Any], at).get(step, {})
    return at or None
