"""Users are made and granted things by an administrator, within what he himself holds."""

from __future__ import annotations

import pytest
from office_bed import PASSWORD, Bureau, word

NEW = {"name": "wang", "display": "王", "password": PASSWORD}


def grants(*given: tuple[str, str]) -> dict[str, object]:
    return {"grants": [{"role": role, "scope": scope} for role, scope in given]}


def test_from_the_first_password_to_work(both: Bureau) -> None:
    admin, person = both.role("admin"), both.stranger()
    admin.post("/users", NEW)
    assert person.sign_in("wang").body["must_change"]
    person.post("/session/password", {"old": PASSWORD, "new": "My-Own-Secret-1"})
    assert (403, "permission") == word(person.call("GET", "/devices"))

    admin.put("/users/wang/grants", grants(("engineer", "region:32")))

    assert [] == person.get("/devices")["items"]
    user = admin.get("/users/wang")
    assert [{"role": "engineer", "scope": "region:32"}] == user["grants"]
    assert (409, "taken") == word(admin.call("POST", "/users", NEW))


@pytest.mark.parametrize(
    "given",
    [("operator", "*"), ("operator", "region:23"), ("admin", "institution:P23010000009")],
)
def test_nobody_grants_what_lies_outside_his_own_part(
    office: Bureau, given: tuple[str, str]
) -> None:
    local = office.role("admin", "region:32")
    local.post("/users", NEW)

    assert (403, "scope") == word(local.call("PUT", "/users/wang/grants", grants(given)))


def test_nobody_grants_himself_anything(office: Bureau) -> None:
    local = office.role("admin", "region:32")

    for method, path, body in (
        ("PUT", "/users/admin/grants", grants(("auditor", "region:32"))),
        ("PUT", "/users/admin", {"status": "disabled"}),
        ("POST", "/users/admin/password", {"password": PASSWORD}),
    ):
        assert (403, "scope") == word(local.call(method, path, body))


def test_a_local_administrator_has_no_hand_on_who_works_elsewhere_too(office: Bureau) -> None:
    local = office.role("admin", "region:32")
    office.hire("both", ("operator", "region:32"), ("operator", "region:23"))

    assert (404, "user") == word(local.call("PUT", "/users/both/grants", grants()))
    assert (404, "user") == word(
        local.call("POST", "/users/both/password", {"password": PASSWORD})
    )


def test_a_reset_password_unlocks_and_has_to_be_changed(office: Bureau) -> None:
    admin, person = office.role("admin"), office.stranger()
    office.hire("li")
    for _ in range(5):
        person.sign_in("li", "wrong")
    assert admin.get("/users/li")["locked"]

    admin.post("/users/li/password", {"password": "Fresh-Start-2026"})

    assert person.sign_in("li", "Fresh-Start-2026").body["must_change"]


def test_settings_are_kept_and_written_down(both: Bureau) -> None:
    admin = both.role("admin")
    assert admin.get("/settings")["second_special"]

    admin.put("/settings", {"second_special": False, "offline_after_s": 600})

    found = admin.get("/settings")
    assert (False, True, 600) == (
        found["second_special"],
        found["second_binding"],
        found["offline_after_s"],
    )
    assert (422, "field") == word(admin.call("PUT", "/settings", {"offline_after_s": 1}))
    [entry] = both.role("auditor").get("/audit", what="settings_put")["items"][-1:]
    assert entry["old"] != entry["new"]
