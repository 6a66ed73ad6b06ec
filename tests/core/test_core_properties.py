"""Whatever is measured: nobody passes unseen, unmatched or with attack frames."""

from __future__ import annotations

from statistics import median

from hypothesis import given, settings
from hypothesis import strategies as st

from yibao_face.daemon.core.decision import Likeness, MatchPolicy, decide
from yibao_face.daemon.core.encounter import HINTS, Answer, Cause, Who
from yibao_face.daemon.core.liveness.gate import Gate, LivenessPolicy, attack_cause, judge
from yibao_face.daemon.core.quality import Appearance, Limits, appearance_hint

PROPERTY = settings(max_examples=300, deadline=None)
SPOOFS = [Cause.SPOOF_FLAT, Cause.SPOOF_SIZE, Cause.SPOOF_SHAPE]
NUMBERS = st.floats() | st.floats(-1, 1) | st.sampled_from([0.5, float("nan"), float("inf")])
LIKENESSES = st.lists(
    st.builds(Likeness, st.sampled_from([Who.SELF, Who.AGENT]), NUMBERS), max_size=4
).map(tuple)
GATES = (
    Gate("coverage", 0.5, 1.0, Cause.DEPTH_POOR),
    Gate("relief", 8.0, 60.0, Cause.SPOOF_FLAT),
    Gate("width", 100.0, 220.0, Cause.SPOOF_SIZE),
)
POLICIES = st.builds(
    LivenessPolicy,
    reading=st.just(GATES[:1]),
    attack=st.just(GATES[1:]),
    frames=st.integers(1, 6),
    attack_frames=st.integers(1, 3),
    version=st.just("test"),
)
MEASURED = {
    "coverage": st.floats(0.4, 1.0) | st.floats(),
    "relief": st.floats(7.0, 60.0) | st.floats(8.0, 60.0) | st.floats(),
    "width": st.floats(99.0, 220.0) | st.floats(100.0, 220.0) | st.floats(),
}
WHOLE = st.fixed_dictionaries(MEASURED)
FRAGMENT = st.fixed_dictionaries({}, optional=MEASURED)
EARLIER = st.lists(st.sampled_from(SPOOFS), max_size=2).map(tuple)


@PROPERTY
@given(
    st.none() | st.sampled_from(SPOOFS),
    LIKENESSES,
    st.booleans(),
    st.builds(MatchPolicy, NUMBERS, st.booleans()),
)
def test_a_pass_needs_a_living_present_and_matching_face(
    spoof: Cause | None, likenesses: tuple[Likeness, ...], recorded: bool, policy: MatchPolicy
) -> None:
    outcome = decide(spoof, likenesses, recorded, policy)

    matching = {f.who for f in likenesses if f.similarity >= policy.min_similarity}
    assert outcome.answer in (Answer.PASS, Answer.FAIL)
    assert (outcome.answer is Answer.PASS) == (outcome.who in (Who.SELF, Who.AGENT))
    if outcome.answer is Answer.PASS:
        assert spoof is None
        assert policy.demo or not recorded
        assert outcome.who is (Who.SELF if Who.SELF in matching else Who.AGENT)
        assert outcome.who in matching


@PROPERTY
@given(LIKENESSES, st.floats(-1, 1))
def test_a_living_present_face_that_matches_passes(
    likenesses: tuple[Likeness, ...], least: float
) -> None:
    outcome = decide(None, likenesses, False, MatchPolicy(least, demo=False))

    matched = any(found.similarity >= least for found in likenesses)
    assert (Answer.PASS if matched else Answer.FAIL) is outcome.answer


@PROPERTY
@given(st.lists(WHOLE, max_size=7), POLICIES, EARLIER)
def test_alive_means_enough_frames_few_attacks_and_medians_in_every_gate(
    frames: list[dict[str, float]], policy: LivenessPolicy, earlier: tuple[Cause, ...]
) -> None:
    verdict = judge(frames, policy, earlier)

    attacks = len(earlier) + sum(attack_cause(f, policy) is not None for f in frames)
    if attacks >= policy.attack_frames:
        assert verdict is not None
        assert verdict.cause in SPOOFS
    elif verdict is None:
        assert len(frames) < policy.frames
    elif verdict.cause is None:
        assert len(frames) >= policy.frames
        middle = {name: median(f[name] for f in frames) for name in MEASURED}
        assert all(gate.holds(middle) for gate in GATES)


@PROPERTY
@given(st.lists(FRAGMENT, max_size=7), POLICIES, EARLIER)
def test_frames_that_lack_features_are_judged_and_never_alive(
    frames: list[dict[str, float]], policy: LivenessPolicy, earlier: tuple[Cause, ...]
) -> None:
    verdict = judge(frames, policy, earlier)

    attacks = len(earlier) + sum(attack_cause(f, policy) is not None for f in frames)
    alive = verdict is not None and verdict.cause is None
    assert not (alive and attacks >= policy.attack_frames)
    assert not (alive and all("coverage" not in frame for frame in frames))


@PROPERTY
@given(st.builds(Appearance, NUMBERS, NUMBERS, NUMBERS, *[st.floats(0, 300)] * 3))
def test_what_is_told_about_a_face_is_a_hint_or_nothing(seen: Appearance) -> None:
    hint = appearance_hint(seen, Limits())

    assert hint is None or hint in HINTS
    if hint is None:
        assert max(abs(seen.yaw_deg), abs(seen.pitch_deg), abs(seen.roll_deg)) <= 25
        assert 40 <= seen.brightness <= 225
