"""``clip.json`` and streams made by somebody else: a ``ClipError``, or a clip that plays."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Mapping
from dataclasses import astuple
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from yibao_face.drivers.api import ClipError
from yibao_face.drivers.clip import ClipHeader, ClipReader

Members = dict[str, bytes]
Forged = Callable[[Mapping[str, bytes]], Path]

NAN, INF = float("nan"), float("inf")
HUGE = 10**400
FIELDS = ("schema", "intrinsics", "fps", "device_us", "label", "serial", "sha256")
LENS = ("width", "height", "fx", "fy", "cx", "cy")
ATOMS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
NUMBERS = st.integers(-3, 20) | st.sampled_from([HUGE, -HUGE, NAN, INF, -INF, 0.5, 1e300])
JSON = st.recursive(
    ATOMS | NUMBERS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)


def shown(value: object) -> str:
    """The name of a case, however large its value."""
    return repr(value)[:20]


def header(members: Members, **changed: object) -> Members:
    """`clip.json` of the good clip with some of its values changed, as a member."""
    return {"clip.json": json.dumps({**json.loads(members["clip.json"]), **changed}).encode()}


def lens(members: Members, **changed: object) -> Members:
    """The same with some of its calibration changed."""
    return header(
        members, intrinsics={**json.loads(members["clip.json"])["intrinsics"], **changed}
    )


def stream(members: Members, name: str, data: bytes) -> Members:
    """Another stream whose digest the header gives, as a forger would."""
    digests = json.loads(members["clip.json"])["sha256"]
    digests[name] = hashlib.sha256(data).hexdigest()
    return {**header(members, sha256=digests), f"{name}.mkv": data}


def impossible(found: ClipHeader) -> list[object]:
    """What no camera could have said."""
    width, height, *optics = astuple(found.intrinsics)
    numbers = [*optics, found.fps]
    broken = [x for x in numbers if type(x) not in (int, float) or not math.isfinite(x)]
    flat = [x for x in (*optics[:2], found.fps) if x not in broken and x <= 0]
    late = [at for at in found.device_us if abs(at) >= 2**63]
    back = [(a, b) for a, b in pairwise(found.device_us) if b <= a]
    kinds: list[object] = [x for x in (width, height) if type(x) is not int]
    return [*kinds, *broken, *flat, *late, *back]


@pytest.mark.parametrize("schema", [0, 3, -1, None, "1", "2", [1], {}, 1.5])
def test_another_schema_is_refused(forged: Forged, members: Members, schema: object) -> None:
    with pytest.raises(ClipError):
        ClipReader(forged(header(members, schema=schema)))


@pytest.mark.parametrize(
    "raw",
    [b"", b"{", b"[]", b"null", b"1", b'"text"', b"\xff\xfe", b"{}", b"[" * 100_000, b"1" * 5000],
    ids=lambda raw: repr(raw[:8]),
)
def test_a_header_that_is_no_object_is_refused(forged: Forged, raw: bytes) -> None:
    with pytest.raises(ClipError):
        ClipReader(forged({"clip.json": raw}))


@pytest.mark.parametrize("field", FIELDS)
def test_a_header_that_lacks_something_is_refused(
    forged: Forged, members: Members, field: str
) -> None:
    body = {k: v for k, v in json.loads(members["clip.json"]).items() if k != field}

    with pytest.raises(ClipError):
        ClipReader(forged({"clip.json": json.dumps(body).encode()}))


@pytest.mark.parametrize(
    "fps", [0, -15, 5e-324, 1e-300, NAN, INF, -INF, HUGE, None, [], "fast"], ids=shown
)
def test_a_rate_that_is_none_is_refused(forged: Forged, members: Members, fps: object) -> None:
    with pytest.raises(ClipError):
        ClipReader(forged(header(members, fps=fps)))


@pytest.mark.parametrize(
    "times",
    [
        [],
        None,
        5,
        [0, 0, 1],
        [2, 1, 0],
        [NAN, 1, 2],
        [0, 1, INF],
        [0, 1, HUGE],
        [-HUGE, 0, 1],
        [0, 1, None],
        [0, 1, [2]],
    ],
    ids=shown,
)
def test_timestamps_no_clock_gives_are_refused(
    forged: Forged, members: Members, times: object
) -> None:
    with pytest.raises(ClipError):
        ClipReader(forged(header(members, device_us=times)))


@pytest.mark.parametrize("name", ["fx", "fy"])
@pytest.mark.parametrize("value", [0, -50.0, NAN, INF, HUGE, None, "long", []], ids=shown)
def test_a_focal_length_no_lens_has_is_refused(
    forged: Forged, members: Members, name: str, value: object
) -> None:
    with pytest.raises(ClipError):
        ClipReader(forged(lens(members, **{name: value})))


@pytest.mark.parametrize("name", ["cx", "cy"])
@pytest.mark.parametrize("value", [NAN, -INF, HUGE, None, "left", {}], ids=shown)
def test_a_principal_point_that_is_no_number_is_refused(
    forged: Forged, members: Members, name: str, value: object
) -> None:
    with pytest.raises(ClipError):
        ClipReader(forged(lens(members, **{name: value})))


@pytest.mark.parametrize("name", LENS)
def test_a_calibration_that_lacks_a_number_is_refused(
    forged: Forged, members: Members, name: str
) -> None:
    body = json.loads(members["clip.json"])
    del body["intrinsics"][name]

    with pytest.raises(ClipError):
        ClipReader(forged({"clip.json": json.dumps(body).encode()}))


@pytest.mark.parametrize("side", ["width", "height"])
@pytest.mark.parametrize("change", [-2, 2])
def test_planes_of_another_size_than_the_calibration_are_refused(
    forged: Forged, members: Members, side: str, change: int
) -> None:
    size = json.loads(members["clip.json"])["intrinsics"][side] + change
    clip = ClipReader(forged(lens(members, **{side: size})))

    with pytest.raises(ClipError, match="do not fit calibration"):
        next(clip.frames())


def test_more_timestamps_than_exposures_are_refused_where_they_end(
    forged: Forged, members: Members
) -> None:
    clip = ClipReader(forged(header(members, device_us=[0, 1, 2, 3])))
    frames = clip.frames()
    for _ in range(3):
        next(frames)

    with pytest.raises(ClipError, match="ends before frame 3"):
        next(frames)


@pytest.mark.parametrize("name", ["color", "depth", "ir"])
@pytest.mark.parametrize(
    "data",
    [b"", bytes(range(256)) * 20, b"ffconcat version 1.0\nfile 'a.mkv'\n", b"#EXTM3U\na.mkv\n"],
    ids=["empty", "noise", "list of files", "playlist"],
)
def test_a_stream_that_is_no_video_is_refused(
    forged: Forged, members: Members, name: str, data: bytes
) -> None:
    clip = ClipReader(forged(stream(members, name, data)))

    with pytest.raises(ClipError, match=rf"{name}\.mkv"):
        next(clip.frames())


@pytest.mark.parametrize("name", ["color", "depth", "ir"])
def test_a_stream_whose_digest_the_header_does_not_give_is_refused(
    forged: Forged, members: Members, name: str
) -> None:
    digests = json.loads(members["clip.json"])["sha256"]
    other = {**digests, name: hashlib.sha256(b"other").hexdigest()}
    missing = {key: digest for key, digest in digests.items() if key != name}

    for told in (other, {**digests, name: None}):
        with pytest.raises(ClipError, match=rf"{name}\.mkv: sha256 differs"):
            ClipReader(forged(header(members, sha256=told)))
    with pytest.raises(ClipError, match=r"streams .*, digests of"):
        ClipReader(forged(header(members, sha256=missing)))


@pytest.mark.parametrize(("name", "other"), [("depth", "color"), ("depth", "ir"), ("ir", "depth")])
def test_a_stream_of_another_kind_is_refused(
    forged: Forged, members: Members, name: str, other: str
) -> None:
    clip = ClipReader(forged(stream(members, name, members[f"{other}.mkv"])))

    with pytest.raises(ClipError):
        next(clip.frames())


@given(st.data())
@settings(max_examples=300, deadline=None, derandomize=True)
def test_any_header_is_refused_or_plays(
    forged: Forged, members: Members, data: st.DataObject
) -> None:
    changed: dict[str, Any] = {data.draw(st.sampled_from(FIELDS)): data.draw(JSON)}
    if data.draw(st.booleans()):
        changed = {"device_us": data.draw(st.lists(NUMBERS, max_size=4))}
    member = header(members, **changed)
    if data.draw(st.booleans()):
        member = lens(members, **{data.draw(st.sampled_from(LENS)): data.draw(JSON)})

    try:
        clip = ClipReader(forged(member))
        played = list(clip.frames())
    except ClipError:
        return

    assert [] == impossible(clip.header)
    assert len(played) == len(clip.header.device_us)
