"""The OpenAPI document of the office, made of the tables its door works by."""

from __future__ import annotations

import re
from typing import Any

from yibao_face.sync.center.office.door.field import Field, object_schema, schema
from yibao_face.sync.center.office.door.form import FORMS
from yibao_face.sync.center.office.door.permission import ROLES
from yibao_face.sync.center.office.door.table import CSV, PREFIX, ROUTES, Route

_DESCRIPTION = """\
中心管理接口 (TLS, 端口 51520，无客户端证书)。登录后用 Cookie `__Host-office`
(HttpOnly, Secure, SameSite=Strict)，写操作须带请求头 `X-CSRF-Token`（登录答复里的 csrf）；程序可用
`Authorization: Bearer`（登录时 `token: true`），不需 CSRF。
请求体一律 `Content-Type: application/json`。时间为 Unix 毫秒，日期为北京时间 `YYYY-MM-DD`。
列表答 `{"items": […], "next": 游标或 null}`。错误一律 `{"error": 词, "message": 提示}`：
401 signed-out（重新登录）、403 permission / scope / must-change / csrf、404、
409 state / taken / second-person、413、
422 field / password / csv、429 too-often / locked（`Retry-After` 秒）、503 store。
每个调用的 `x-permission` 与 `x-roles` 说明所需功能和有此功能的角色；数据只含授权范围内的机构。
Masked by default; `unmask=true` needs the permission `unmask` and is audited.
"""


def document(version: str = "0.1.0") -> dict[str, Any]:
    """The document, as ``docs/office-openapi.json`` holds it."""
    paths: dict[str, dict[str, Any]] = {}
    for route in ROUTES:
        paths.setdefault(PREFIX + route.path, {})[route.method.lower()] = _operation(route)
    schemas = {name: object_schema(fields, answer=True) for name, fields in FORMS.items()}
    cookie = {"type": "apiKey", "in": "cookie", "name": "__Host-office"}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "yibao-face centre office",
            "version": version,
            "description": _DESCRIPTION,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "https://localhost:51520"}],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "cookie": cookie,
                "bearer": {"type": "http", "scheme": "bearer"},
            },
        },
    }


def _operation(route: Route) -> dict[str, Any]:
    found: dict[str, Any] = {"operationId": route.name, "summary": route.title}
    found["tags"] = [route.path.strip("/").split("/")[0]]
    if route.permission is not None:
        found["security"] = [{"cookie": []}, {"bearer": []}]
        found["x-permission"] = route.permission.value
        found["x-roles"] = [
            role.value
            for role, granted in ROLES.items()
            if route.permission in granted or route.permission == "self"
        ]
    if parameters := _parameters(route):
        found["parameters"] = parameters
    if route.body:
        content = {"application/json": {"schema": object_schema(route.body)}}
        found["requestBody"] = {"required": True, "content": content}
    error = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
    found["responses"] = {
        "200": {"description": "成功", "content": _answer(route)},
        "default": {"description": "拒绝", "content": error},
    }
    return found


def _parameters(route: Route) -> list[dict[str, Any]]:
    in_path = [_parameter(name) for name in re.findall(r"{(\w+)}", route.path)]
    return [*in_path, *(_asked(field) for field in route.query)]


def _parameter(name: str) -> dict[str, Any]:
    own = {"type": "string", "maxLength": 64}
    return {"name": name, "in": "path", "required": True, "schema": own}


def _asked(field: Field) -> dict[str, Any]:
    return {"name": field.name, "in": "query", "required": field.required, "schema": schema(field)}


def _answer(route: Route) -> dict[str, Any]:
    if route.answer == CSV:
        return {"text/csv": {"schema": {"type": "string"}}}
    return {"application/json": {"schema": _answer_schema(route.answer)}}


def _answer_schema(answer: str) -> dict[str, Any]:
    if answer == "OpenApi":
        return {"type": "object"}
    name = answer.removeprefix("list:")
    own = {"$ref": f"#/components/schemas/{name}"}
    if name == answer:
        return own
    following = {"title": "下一页游标", "type": ["string", "null"]}
    return {
        "type": "object",
        "properties": {"items": {"type": "array", "items": own}, "next": following},
        "required": ["items", "next"],
        "additionalProperties": False,
    }
