"""The ladder of modes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from yibao_face.drivers.uvc.mode import COLOUR, INFRARED, Mode, Offer, Sizes, ladder


def sizes(*listed: tuple[int, int, float]) -> tuple[Sizes, ...]:
    return tuple(Sizes(range(w, w + 1), range(h, h + 1), fps) for w, h, fps in listed)


def told(modes: list[Mode]) -> list[str]:
    return [str(mode) for mode in modes]


VGA_AND_HD = sizes((640, 480, 30), (1280, 720, 30))


def test_compressed_colour_comes_first_then_smaller_then_slower() -> None:
    offers = [Offer("YUYV", VGA_AND_HD), Offer("MJPG", VGA_AND_HD)]

    assert [
        "MJPG 1280x720@30",
        "YUYV 1280x720@30",
        "MJPG 640x480@30",
        "YUYV 640x480@30",
        "MJPG 640x480@15",
        "YUYV 640x480@15",
    ] == told(ladder(offers, COLOUR, (1280, 720), 30))


def test_infrared_is_taken_grey_before_anything() -> None:
    offers = [Offer("YUYV", VGA_AND_HD), Offer("GREY", VGA_AND_HD)]

    assert "GREY 640x480@30" == told(ladder(offers, INFRARED, (640, 480), 30))[0]


def test_a_size_that_is_not_there_becomes_the_largest_within_it() -> None:
    offers = [Offer("MJPG", sizes((320, 240, 30), (640, 480, 30), (1920, 1080, 30)))]

    assert "MJPG 640x480@30" == told(ladder(offers, COLOUR, (1280, 720), 30))[0]


def test_where_all_are_larger_it_is_the_smallest() -> None:
    offers = [Offer("MJPG", sizes((1920, 1080, 30), (1280, 720, 30)))]

    assert "MJPG 1280x720@30" == told(ladder(offers, COLOUR, (640, 480), 30))[0]


def test_a_size_that_is_too_slow_comes_after_one_that_is_not() -> None:
    offers = [Offer("YUYV", sizes((1280, 720, 5), (640, 480, 30)))]

    assert [
        "YUYV 640x480@30",
        "YUYV 640x480@15",
        "YUYV 1280x720@5",
    ] == told(ladder(offers, COLOUR, (1280, 720), 30))


def test_a_range_of_sizes_is_entered_at_its_step() -> None:
    offers = [Offer("NV12", (Sizes(range(160, 1921, 16), range(120, 1081, 8)),))]

    assert "NV12 640x480@30" == told(ladder(offers, COLOUR, (650, 487), 30))[0]


def test_a_camera_that_lists_no_sizes_is_asked_for_what_is_wanted() -> None:
    assert "MJPG 800x600@30" == told(ladder([Offer("MJPG")], COLOUR, (800, 600), 30))[0]


def test_a_camera_without_a_format_of_use_has_no_mode() -> None:
    assert [] == ladder([Offer("H264", VGA_AND_HD)], COLOUR, (640, 480), 30)


def edges(least: int, more: int, step: int) -> range:
    return range(least, least + more + 1, step)


_EDGES = st.builds(
    edges,
    st.integers(16, 4000),
    st.integers(0, 4000),
    st.integers(1, 64),
)


@given(
    offers=st.lists(
        st.builds(
            Offer,
            st.sampled_from(COLOUR),
            st.lists(st.builds(Sizes, _EDGES, _EDGES, st.floats(0, 120)), max_size=5).map(tuple),
        ),
        max_size=4,
    ),
    size=st.tuples(st.integers(1, 4000), st.integers(1, 4000)),
    fps=st.floats(1, 120),
)
def test_only_sizes_the_camera_has_are_asked_for_and_none_twice(
    offers: list[Offer], size: tuple[int, int], fps: float
) -> None:
    offered = {offer.fourcc: offer.sizes for offer in offers}

    modes = ladder(offers, COLOUR, size, fps)

    assert len(set(modes)) == len(modes)
    assert bool(offers) == bool(modes)
    for mode in modes:
        assert mode.fps <= fps
        listed = offered[mode.fourcc]
        assert not listed or any(mode.width in s.width and mode.height in s.height for s in listed)
