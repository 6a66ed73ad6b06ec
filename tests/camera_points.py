"""Points of the driver contract on a bed, read against what a driver's YAML file claims."""

from __future__ import annotations

from importlib import resources
from typing import Any

import pytest
import yaml

from yibao_face.drivers.conformance.bed import Bed
from yibao_face.drivers.conformance.point import BY_ID, POINTS


def claims(driver: str) -> dict[str, Any]:
    """``points`` of ``drivers/conformance/<driver>.yaml``: ``done`` or ``{"exempt": reason}``."""
    file = resources.files("yibao_face.drivers.conformance") / f"{driver}.yaml"
    body: dict[str, Any] = yaml.safe_load(file.read_text("utf-8"))
    assert driver == body["driver"]
    return dict(body["points"])


def each_point() -> pytest.MarkDecorator:
    """Parametrises ``point_id`` over the whole contract."""
    return pytest.mark.parametrize("point_id", [point.id for point in POINTS])


def check(bed: Bed, point_id: str, claimed_for: str = "") -> None:
    """Fail unless the bed's driver keeps the point, or is exempt from it with a reason.

    A bed that cannot do what a claimed point needs fails too. ``claimed_for``: the name of the
    YAML file where it is not the driver's own.
    """
    claim, point = claims(claimed_for or bed.driver)[point_id], BY_ID[point_id]
    if claim != "done":
        assert len(str(claim["exempt"])) > 10
        return
    lacking = [ability for ability in point.needs if not bed.can(ability)]
    assert [] == lacking
    point.check(bed)
