"""The centre may set a few keys, tighten those that keep a counter safe, and nothing else."""

from __future__ import annotations

import json
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from inbox_bed import SPARE, Counter, counter_at, signed

from yibao_face.daemon.config import Config, under_centre, weakened, with_values
from yibao_face.daemon.section import LivenessConfig, LockoutConfig, MatchConfig
from yibao_face.daemon.trust.configuration import KEYS, layer_path
from yibao_face.sync.uplink.api import LetterRefusedError

KIND = "configuration"
# Of keys that keep a counter safe: what the site has, what is weaker, what is stricter.
SAFETY: list[tuple[str, Any, Any, Any]] = [
    ("match.margin", 0.04, 0.03, 0.05),
    ("match.grow", False, True, False),
    ("liveness.challenge", "after-reject", "never", "always"),
    ("liveness.challenge_amount", 500.0, 501, 0),
    ("liveness.allow_rgb_only", False, True, False),
    ("enrolment.in_call", False, True, False),
    ("repeat.pass_s", 600.0, 601, 0),
    ("lockout.spoofs", 3, 4, 1),
    ("lockout.spoofs", 3, 0, 2),
    ("lockout.window_s", 1800.0, 1799, 3600),
    ("lockout.lock_s", 300.0, 299, 301),
    ("attendance.clock_tolerance_s", 120.0, 121, 0),
    ("desk.makeup_hours", 24, 25, 12),
    ("desk.max_agents", 3, 4, 2),
    ("desk.max_cards", 3, 4, 2),
    ("desk.inpatient_med_types", ("21", "52"), ["21"], ["21", "52", "24"]),
]
FREE = {
    *("liveness.keep_attack_crops", "liveness.crop_days", "enrolment.consent_version"),
    *("enrolment.consent_text", "encounter.deadline_s", "encounter.capture_s"),
    *("desk.round_by", "evidence.quota_mb"),
}


def value_of(config: Config, key: str) -> Any:
    section, name = key.split(".")
    return getattr(getattr(config, section), name)


def having(config: Config, key: str, value: object) -> Config:
    section, name = key.split(".")
    return replace(config, **{section: replace(getattr(config, section), **{name: value})})


def held(value: object) -> Any:
    """A value of a document as a configuration holds it."""
    return tuple(cast(list[object], value)) if isinstance(value, list) else value


def take(counter: Counter, version: int, values: dict[str, Any]) -> None:
    counter.take_signed(KIND, version, {"values": values})


def told_to_refuse(counter: Counter, values: object) -> str:
    with pytest.raises(LetterRefusedError) as refused:
        counter.take_signed(KIND, 1, {"values": values})
    assert not layer_path(counter.config.data).exists()
    assert [] == counter.records("document")
    return str(refused.value)


def test_every_key_is_either_free_or_known_to_have_a_weak_side() -> None:
    assert set(KEYS) == FREE | {key for key, *_ in SAFETY}


def test_nothing_of_where_it_listens_and_what_is_plugged_in_is_the_centres() -> None:
    sections = {key.split(".")[0] for key in KEYS}
    named = {f.name for f in fields(Config)}

    assert sections <= named
    assert sections.isdisjoint({"door", "data", "camera", "reader", "scanner", "crypto"})
    assert "match.model" not in KEYS


@pytest.mark.parametrize(("key", "site", "weak", "_strict"), SAFETY)
def test_what_would_weaken_a_counter_is_refused_by_its_key(
    tmp_path: Path, key: str, site: Any, weak: Any, _strict: Any
) -> None:
    local = having(Config(tmp_path / "data"), key, site)
    section = key.split(".", maxsplit=1)[0]
    with counter_at(local.data, **{section: getattr(local, section)}) as counter:
        said = told_to_refuse(counter, {"evidence.quota_mb": 100, key: weak})

    assert f"{key} would be weaker than this site has it" == said


@pytest.mark.parametrize(("key", "site", "_weak", "strict"), SAFETY)
def test_what_tightens_it_is_in_force_from_the_next_start(
    tmp_path: Path, key: str, site: Any, _weak: Any, strict: Any
) -> None:
    local = having(Config(tmp_path / "data"), key, site)
    section = key.split(".", maxsplit=1)[0]
    with counter_at(local.data, **{section: getattr(local, section)}) as counter:
        take(counter, 1, {key: strict})

    found = value_of(under_centre(local), key)
    assert held(strict) == found


@pytest.mark.parametrize(("key", "site", "weak", "strict"), SAFETY)
def test_of_a_site_that_became_stricter_later_the_stricter_value_holds(
    tmp_path: Path, key: str, site: Any, weak: Any, strict: Any
) -> None:
    local = having(Config(tmp_path), key, held(strict))
    joined = with_values(local, {key: weak})

    assert weakened(local, {key: weak}) == key
    assert (
        set(value_of(local, key)) <= set(value_of(joined, key))
        if isinstance(strict, list)
        else value_of(local, key) == value_of(joined, key)
    )


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"door.host": "0.0.0.0"}, "'door.host' is not for the centre to set"),  # noqa: S104
        ({"data": "/tmp/x"}, "'data' is not for the centre to set"),  # noqa: S108
        ({"match.model": "mine"}, "'match.model' is not for the centre to set"),
        ({"crypto.suite": "standard"}, "'crypto.suite' is not for the centre to set"),
        ({"match.margin": "0.05"}, "match.margin = '0.05' is not a float"),
        ({"match.margin": True}, "match.margin = True is not a float"),
        ({"match.margin": 0.5}, "match.margin must be 0..0.5"),
        ({"liveness.challenge": "sometimes"}, "liveness.challenge must be one of"),
        ({"desk.round_by": "8pm"}, "desk.round_by must be a time"),
        ({"encounter.deadline_s": 0}, "encounter.deadline_s must be"),
        ({"evidence.quota_mb": 0}, "evidence.quota_mb must be"),
        ({}, "an object of values"),
        ([], "an object of values"),
        ({"match.margin": 0.05, "match": {}}, "'match' is not for the centre to set"),
    ],
)
def test_what_is_not_the_centres_or_out_of_limits_refuses_all_of_it(
    counter: Counter, values: object, told: str
) -> None:
    assert told in told_to_refuse(counter, values)


def test_a_later_version_may_give_back_what_an_earlier_one_tightened(counter: Counter) -> None:
    take(counter, 1, {"match.margin": 0.1, "repeat.pass_s": 60})
    take(counter, 2, {"match.margin": 0.05})

    found = under_centre(counter.config)
    assert (0.05, 600.0) == (found.match.margin, found.repeat.pass_s)


def test_a_file_put_back_to_an_older_version_is_mended_and_told(
    tmp_path: Path, counter: Counter
) -> None:
    path = layer_path(counter.config.data)
    take(counter, 1, {"match.margin": 0.05})
    old = path.read_bytes()
    take(counter, 2, {"match.margin": 0.1})
    new = path.read_bytes()
    for damage in (lambda: path.write_bytes(old), path.unlink, lambda: path.write_bytes(b"{}")):
        damage()
        with counter_at(tmp_path / "data") as anew:
            assert anew.inbox.mend()
            assert not anew.inbox.mend()
        assert new == path.read_bytes()

    assert [
        "the file is of version 1, not 2",
        "the file of version 2 is gone",
        "the file is not genuine, or of a key that is revoked",
    ] == counter.alarms()


def test_a_file_that_was_written_but_not_recorded_is_taken_at_the_next_start(
    counter: Counter,
) -> None:
    layer_path(counter.config.data).write_bytes(
        signed(KIND, 4, {"values": {"match.margin": 0.07}})
    )

    assert not counter.inbox.mend()
    assert [(KIND, "", 4)] == counter.in_force()


def test_a_file_somebody_put_there_to_weaken_it_does_not_and_goes(counter: Counter) -> None:
    path = layer_path(counter.config.data)
    path.write_bytes(signed(KIND, 4, {"values": {"match.margin": 0}}))
    assert 0.04 == under_centre(counter.config).match.margin

    assert counter.inbox.mend()
    assert not path.exists()
    assert [] == counter.in_force()


def test_a_layer_that_is_not_genuine_is_left_out_and_told(
    counter: Counter, caplog: pytest.LogCaptureFixture
) -> None:
    path = layer_path(counter.config.data)
    path.write_bytes(signed(KIND, 4, {"values": {"match.margin": 0.2}}).replace(b"0.2", b"0.3"))

    assert counter.config == under_centre(counter.config)
    assert "left out: the signature does not fit" in caplog.text


def test_a_layer_of_a_key_that_was_revoked_goes(counter: Counter) -> None:
    counter.take(signed(KIND, 1, {"values": {"match.margin": 0.2}}, SPARE))
    counter.take_signed("revocation", 1, {"keys": [SPARE.key_id]})

    assert 0.04 == under_centre(counter.config).match.margin
    assert not layer_path(counter.config.data).exists()
    assert not counter.inbox.mend()


MARGINS = st.floats(0, 0.49, allow_nan=False)
SPOOFS = st.integers(0, 100)


@given(margins=st.tuples(MARGINS, MARGINS), spoofs=st.tuples(SPOOFS, SPOOFS), rgb=st.booleans())
def test_no_layer_makes_any_site_weaker(
    margins: tuple[float, float], spoofs: tuple[int, int], rgb: bool
) -> None:
    site = Config(
        Path("x"),
        match=MatchConfig(margin=margins[0]),
        lockout=LockoutConfig(spoofs=spoofs[0]),
        liveness=LivenessConfig(allow_rgb_only=False),
    )
    values = {"match.margin": margins[1], "lockout.spoofs": spoofs[1]}
    joined = with_values(site, {**values, "liveness.allow_rgb_only": rgb})

    assert joined.match.margin >= margins[0]
    assert not joined.liveness.allow_rgb_only
    # 0 pauses nobody, ever.
    assert (joined.lockout.spoofs or 1000) <= (spoofs[0] or 1000)
    assert all(is_dataclass(getattr(joined, f.name)) for f in fields(joined) if f.name != "data")


def test_the_record_holds_what_was_set(counter: Counter) -> None:
    take(counter, 3, {"match.margin": 0.06})

    [record] = counter.records("document")
    assert {"match.margin": 0.06} == json.loads(record.detail)["values"]
