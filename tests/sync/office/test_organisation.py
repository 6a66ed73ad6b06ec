"""Regions and institutions: one by one, by CSV, and back out again."""

from __future__ import annotations

import pytest
from center_bed import INSTITUTION
from hypothesis import given
from hypothesis import strategies as st
from office_bed import ELSEWHERE, Bureau, word

from yibao_face.sync.center.api import RefusedError
from yibao_face.sync.center.office.door.field import text
from yibao_face.sync.center.office.organisation.sheet import read_sheet, write_sheet

CITY = {"name": "苏州市", "level": "city", "parent": "32"}


def test_a_region_comes_moves_and_goes(both: Bureau) -> None:
    admin = both.role("admin")
    admin.put("/regions/3205", CITY)
    admin.put("/regions/320583", {"name": "昆山市", "level": "county", "parent": "3205"})
    body = {"name": "昆山药店", "kind": "pharmacy", "region": "320583"}
    admin.put("/institutions/P32058300001", body)
    local = both.role("auditor", "region:3205")
    assert ["P32058300001"] == [i["code"] for i in local.get("/institutions")["items"]]

    admin.put("/regions/3205", {**CITY, "parent": "23"})
    northern = both.role("regulator", "region:23")
    assert {"P32058300001", ELSEWHERE} == {
        i["code"] for i in northern.get("/institutions")["items"]
    }
    assert (409, "state") == word(admin.call("DELETE", "/regions/3205"))
    admin.put("/institutions/P32058300001", {**body, "region": "320102"})
    assert 200 == admin.call("DELETE", "/regions/320583").status
    assert (409, "state") == word(admin.call("DELETE", "/regions/3205"))  # somebody is granted it


@pytest.mark.parametrize(
    ("code", "body", "told"),
    [
        ("3206", {"name": "南通", "level": "county", "parent": "32"}, (422, "field")),
        ("3206", {"name": "南通", "level": "city"}, (422, "field")),
        ("3206", {"name": "南通", "level": "city", "parent": "99"}, (422, "field")),
        ("3206", {"name": "", "level": "city", "parent": "32"}, (422, "field")),
        ("3206", {**CITY, "extra": 1}, (422, "field")),
        ("2399", {"name": "北方", "level": "city", "parent": "23"}, (403, "scope")),
    ],
)
def test_a_region_that_does_not_fit_is_refused(
    office: Bureau, code: str, body: dict[str, object], told: tuple[int, str]
) -> None:
    local = office.role("admin", "region:32")

    assert told == word(local.call("PUT", f"/regions/{code}", body))


def test_an_institution_stays_in_the_part_of_who_changes_it(office: Bureau) -> None:
    local = office.role("admin", "region:32")
    body = {"name": "第一药店", "kind": "pharmacy"}

    moved = local.call("PUT", f"/institutions/{INSTITUTION}", {**body, "region": "230102"})
    taken = local.call("PUT", f"/institutions/{ELSEWHERE}", {**body, "region": "320102"})

    assert [(403, "scope")] * 2 == [word(moved), word(taken)]
    assert (422, "field") == word(
        local.call("PUT", f"/institutions/{INSTITUTION}", {**body, "region": "3299"})
    )


def test_what_was_exported_is_imported_without_a_change(both: Bureau) -> None:
    admin = both.role("admin")
    for kind, count in (("regions", 6), ("institutions", 2)):
        csv = admin.call("GET", f"/{kind}/export").body
        same = {"new": 0, "changed": 0, "same": count}
        assert same == admin.post(f"/{kind}/import", {"csv": csv})


def test_an_import_is_taken_as_a_whole_or_not_at_all(both: Bureau) -> None:
    admin = both.role("admin")
    good = "code,name,kind,region\nA1,甲,clinic,320102\nA2,乙,clinic,320102\n"

    bad = admin.call("POST", "/institutions/import", {"csv": f"{good}A3,丙,clinic,999999\n"})
    assert (422, "field") == word(bad)
    assert {INSTITUTION, ELSEWHERE} == {i["code"] for i in admin.get("/institutions")["items"]}
    counts = {"new": 2, "changed": 0, "same": 0}
    assert counts == admin.post("/institutions/import", {"csv": good})
    renamed = good.replace("甲", "甲甲")
    counts = {"new": 0, "changed": 1, "same": 1}
    assert counts == admin.post("/institutions/import", {"csv": renamed})


@pytest.mark.parametrize(
    ("csv", "told"),
    [
        ("", "列名"),
        ("code,name\n1", "第2行有1列"),
        ("code,colour\n1,2\n", "列名须为"),
        ("code,code\n1,2\n", "列名须为"),
        ('code,name\n1,"x\n', "不是CSV"),
        ("code,name\n,x\n", "第2行：请填写编号"),
    ],
)
def test_a_bad_sheet_is_told_by_its_row(csv: str, told: str) -> None:
    with pytest.raises(RefusedError, match=told):
        read_sheet(csv, (text("code", "编号").need(), text("name", "名称")))


CELL = st.text(st.characters(exclude_categories=("Cc", "Cs", "Zs", "Zl", "Zp")), max_size=20)


@given(st.lists(st.fixed_dictionaries({"a": CELL.filter(bool), "b": CELL}), max_size=5))
def test_any_cells_come_back_as_they_were(rows: list[dict[str, str]]) -> None:
    wanted = [
        {"a": row["a"], "b": row["b"] or None}
        for row in rows
        # A quote before what looks like a formula is ours.
        if not any(value.startswith("'") for value in row.values())
    ]
    fields = (text("a", "甲").need(), text("b", "乙"))

    sheet = write_sheet(("a", "b"), wanted)

    assert wanted == read_sheet(sheet, fields)


@given(CELL)
def test_no_cell_is_taken_for_a_formula(value: str) -> None:
    [line] = write_sheet(("a",), [{"a": value}]).removeprefix("\ufeffa\r\n").splitlines() or [""]

    assert not line.lstrip('"').startswith(("=", "+", "-", "@"))


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused(csv: str) -> None:
    fields = (text("code", "编号").need(), text("name", "名称"))
    try:
        found = read_sheet(csv, fields)
    except RefusedError as exc:
        assert (422, "csv") == (exc.status, exc.code)
    else:
        assert all(row.keys() == {"code", "name"} for row in found)
