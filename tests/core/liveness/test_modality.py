"""The table of cues: what each camera may be used for, and what must hold with it."""

from __future__ import annotations

from itertools import product

import pytest

from yibao_face.daemon.core.encounter import Cause
from yibao_face.daemon.core.liveness.modality import (
    Allowance,
    Cue,
    Modality,
    Plan,
    Purpose,
    plan_for,
)

SETTLE, SIGN = Purpose.SETTLEMENT, Purpose.ATTENDANCE
NONE, STEREO, COLOUR = Allowance(), Allowance(stereo=True), Allowance(colour_only=True)
REFUSED = Cause.NO_DEPTH_CAMERA
RGB = Modality(colour=True, depth=False, infrared=False)
RGB_IR = Modality(colour=True, depth=False, infrared=True)
PAIR = Modality(colour=True, depth=False, infrared=True, calibrated=True)
DEPTH = Modality(colour=True, depth=True, infrared=False)
DEPTH_IR = Modality(colour=True, depth=True, infrared=True)
BLIND = Modality(colour=False, depth=True, infrared=True)
BY_DEPTH = Plan(frozenset({Cue.DEPTH, Cue.PLANES}))
BY_BOTH = Plan(frozenset({Cue.DEPTH, Cue.INFRARED, Cue.PLANES}))
BY_PAIR = Plan(frozenset({Cue.STEREO, Cue.INFRARED}), 1)
BY_IR = Plan(frozenset({Cue.INFRARED}), 1, audit=True)
BY_COLOUR = Plan(frozenset(), 2, audit=True)


@pytest.mark.parametrize(
    ("sees", "purpose", "allowed", "plan"),
    [
        (DEPTH_IR, SETTLE, NONE, BY_BOTH),
        (DEPTH_IR, SIGN, NONE, BY_BOTH),
        (DEPTH, SETTLE, NONE, BY_DEPTH),
        (DEPTH, SIGN, NONE, BY_DEPTH),
        (PAIR, SETTLE, NONE, REFUSED),
        (PAIR, SETTLE, STEREO, BY_PAIR),
        (PAIR, SETTLE, COLOUR, REFUSED),
        (PAIR, SIGN, NONE, BY_PAIR),
        (RGB_IR, SETTLE, NONE, REFUSED),
        (RGB_IR, SETTLE, STEREO, REFUSED),
        (RGB_IR, SETTLE, COLOUR, BY_IR),
        (RGB_IR, SIGN, NONE, BY_IR),
        (RGB, SETTLE, NONE, REFUSED),
        (RGB, SETTLE, STEREO, REFUSED),
        (RGB, SETTLE, COLOUR, BY_COLOUR),
        (RGB, SIGN, NONE, BY_COLOUR),
        (BLIND, SETTLE, Allowance(stereo=True, colour_only=True), REFUSED),
        (BLIND, SIGN, NONE, REFUSED),
    ],
)
def test_each_camera_is_judged_by_all_it_has_and_used_for_what_it_proves(
    sees: Modality, purpose: Purpose, allowed: Allowance, plan: Plan | Cause
) -> None:
    assert plan_for(sees, purpose, allowed) == plan


EVERY_CAMERA = [Modality(*seen) for seen in product((False, True), repeat=4)]


@pytest.mark.parametrize("sees", EVERY_CAMERA)
def test_no_row_without_depth_passes_a_settlement_by_default(sees: Modality) -> None:
    plan = plan_for(sees, SETTLE, NONE)

    assert isinstance(plan, Plan) is (sees.depth and sees.colour)


@pytest.mark.parametrize("sees", EVERY_CAMERA)
@pytest.mark.parametrize("purpose", list(Purpose))
@pytest.mark.parametrize("allowed", [Allowance(*a) for a in product((False, True), repeat=2)])
def test_what_has_no_shape_cue_asks_for_an_action_and_is_audited(
    sees: Modality, purpose: Purpose, allowed: Allowance
) -> None:
    plan = plan_for(sees, purpose, allowed)
    if isinstance(plan, Cause):
        return
    shaped = bool(plan.cues & {Cue.DEPTH, Cue.STEREO})

    assert plan.audit is not shaped
    assert plan.actions >= (0 if Cue.DEPTH in plan.cues else 1)
    assert (Cue.INFRARED in plan.cues) is sees.infrared
    assert (Cue.PLANES in plan.cues) is (Cue.DEPTH in plan.cues)
