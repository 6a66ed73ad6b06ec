"""The report: no number without the word that says where it comes from, no claim without proof."""

from __future__ import annotations

import json
import re

import pytest

from yibao_face.daemon.evaluate.baseline import PLANE, Limit
from yibao_face.daemon.evaluate.report.rate import Study, study, tally_of
from yibao_face.daemon.evaluate.report.text import Page, html, numbers, text
from yibao_face.daemon.evaluate.result import Response, Result

SIMULATED = Page(True, "2026-11-26", (("引擎 Engine", "gates-1 abc"),), (("ROC", b"png"),))
RECORDED = Page(False, "2026-11-26", ())
RATE = re.compile(r"\d+ / \d+ = ")


@pytest.fixture(scope="module")
def found() -> Study:
    features, measured = {"gain1": 1.0}, {PLANE: 9.0}
    rows = [
        Result(
            species, seed, "astra", 550.0, {"skin": "dark"}, outcome, cause, 5, features, measured
        )
        for seed in range(4)
        for species, outcome, cause in (
            ("live", Response.ACCEPTED, ""),
            ("print-flat", Response.REJECTED, "spoof-flat"),
            ("mannequin", Response.ACCEPTED, ""),
            ("phone", Response.NO_RESPONSE, "depth-poor"),
        )
    ]
    return study(tally_of(rows), [Limit(PLANE, 7.8, 1000, 0.01)])


@pytest.mark.parametrize(("page", "mark"), [(SIMULATED, "仿真"), (RECORDED, "实拍")])
def test_every_rate_of_the_report_is_marked(found: Study, page: Page, mark: str) -> None:
    report = html(found, page)
    cells = re.findall(r"<(?:td|b)>([^<]*(?:<i>[^<]*</i>)?)", report)
    rates = [cell for cell in cells if RATE.search(cell)]

    assert len(rates) == len(RATE.findall(report)) >= 20
    assert [] == [cell for cell in rates if mark not in cell]
    counts = [cell for cell in cells if re.match(r"\d+(\.\d+)?(<|$)", cell)]
    assert len(counts) >= 7
    assert [] == [cell for cell in counts if mark not in cell]


@pytest.mark.parametrize(("page", "mark"), [(SIMULATED, "仿真"), (RECORDED, "实拍")])
def test_every_rate_of_the_terminal_is_marked(found: Study, page: Page, mark: str) -> None:
    lines = [line for line in text(found, page) if RATE.search(line)]

    assert len(lines) >= 8
    assert [] == [line for line in lines if mark not in line]


@pytest.mark.parametrize(("page", "mark"), [(SIMULATED, "仿真"), (RECORDED, "实拍")])
def test_every_row_of_the_json_is_marked(found: Study, page: Page, mark: str) -> None:
    body = json.loads(json.dumps(numbers(found, page), ensure_ascii=False))

    assert mark in body["kind"]
    rows = [row for kind in ("species", "confusion", "baselines", "auc") for row in body[kind]]
    rows += [row for rule in body["baselines"] for row in rule["species"]]
    rows += [place["live"] for place in body["slices"]]
    assert len(rows) >= 15
    assert [] == [row for row in rows if mark not in row["kind"]]


def test_the_report_is_one_file_and_warns_first(found: Study) -> None:
    report = html(found, SIMULATED)

    assert [] == re.findall(r'(?:src|href)="(?!data:)', report)
    assert report.index("不得作为检测报告") < report.index("<table>")
    assert "不得作为检测报告" not in html(found, RECORDED)


def test_the_worst_species_is_named(found: Study) -> None:
    assert "最差种类 worst species: 仿真头模 mannequin APCER 4 / 4 = 100 %" in html(
        found, SIMULATED
    )
    assert "mannequin" == numbers(found, SIMULATED)["worst"]


def test_names_from_outside_are_escaped() -> None:
    hostile = Result("<b>", 0, "<i>", 1.0, {"<a>": "<u>"}, Response.ACCEPTED, "", 1)
    report = html(study(tally_of([hostile])), SIMULATED)

    assert [] == re.findall(r"<[bu]>(?!最差)|<a>|<td><i>", report)


def test_a_run_without_any_presentation_still_reports() -> None:
    assert "无数据 no attack was classified" in html(study(tally_of([])), SIMULATED)
