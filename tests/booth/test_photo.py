"""Still pictures: each kind a clerk may send, made here, is decoded right or refused by name."""

from __future__ import annotations

import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from yibao_face.daemon.booth.still.photo import MAX_PHOTO_PX, Image, PhotoError, decode, face_of
from yibao_face.models.suite import FaceModels

HUGE = 30_000  # 900 megapixels: 2.7 GB, were it decoded


def smooth(height: int, width: int, seed: int = 5) -> Image:
    """A picture that JPEG keeps almost as it is."""
    coarse = np.random.default_rng(seed).integers(0, 256, (4, 5, 3), np.uint8)
    return np.asarray(
        cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8
    )


PICTURE = smooth(48, 64)
WHOLE = np.full((48, 64, 1), 255, np.uint8)
HOLED = np.where(np.arange(64)[None, :, None] < 8, np.uint8(0), WHOLE)


def encoded(
    kind: str, image: npt.NDArray[np.integer[Any] | np.floating[Any]], *flags: int
) -> bytes:
    done, data = cv2.imencode(kind, image, list(flags))
    assert done
    return data.tobytes()


def animated(kind: str) -> bytes:
    film = cv2.Animation()
    film.frames = [PICTURE, 255 - PICTURE]
    film.durations = np.array([100, 100]).tolist()
    done, data = cv2.imencodeanimation(kind, film)
    assert done
    return data.tobytes()


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(ihdr: tuple[int, int, int, int], *parts: bytes, rows: bytes = b"") -> bytes:
    """A PNG of (width, height, bits, colour kind) with ``parts`` before its pixels."""
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", *ihdr, 0, 0, 0))
    body = chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + head + b"".join(parts) + body


def segment(kind: int, data: bytes) -> bytes:
    return bytes((0xFF, kind)) + struct.pack(">H", len(data) + 2) + data


def sized_jpeg(height: int, width: int, colours: int = 3) -> bytes:
    """The small JPEG, saying of itself that it is ``height`` x ``width``."""
    data = bytearray(encoded(".jpg", PICTURE))
    at = data.index(b"\xff\xc0")
    data[at + 5 : at + 10] = struct.pack(">HHB", height, width, colours)
    return bytes(data)


def sized_bmp(height: int, width: int, packing: int = 0) -> bytes:
    data = bytearray(encoded(".bmp", PICTURE))
    data[18:26] = struct.pack("<ii", width, height)
    data[30:34] = struct.pack("<I", packing)
    return bytes(data)


def sized_webp(side: int, flags: int = 0) -> bytes:
    canvas = bytes((flags, 0, 0, 0)) + (side - 1).to_bytes(3, "little") * 2
    body = b"VP8X" + struct.pack("<I", len(canvas)) + canvas + encoded(".webp", PICTURE)[12:]
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body


def turned(way: int, image: Image = PICTURE, *flags: int) -> bytes:
    """A JPEG whose EXIF says how it is to be turned (1..8)."""
    tag = struct.pack("<HHIHH", 0x0112, 3, 1, way, 0)
    exif = b"Exif\0\0II*\0" + struct.pack("<IH", 8, 1) + tag + bytes(4)
    data = encoded(".jpg", image, cv2.IMWRITE_JPEG_QUALITY, 95, *flags)
    return data[:2] + segment(0xE1, exif) + data[2:]


def refusal(data: bytes) -> str:
    with pytest.raises(PhotoError) as found:
        decode(data, "photo 3")
    return str(found.value)


def apart(one: Image, other: Image) -> float:
    assert one.shape == other.shape
    return float(np.abs(one.astype(float) - other).mean())


@pytest.fixture
def undecoded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever decodes a pixel fails."""

    def refuse(*_: object) -> None:
        raise AssertionError("decoded")

    monkeypatch.setattr(cv2, "imdecode", refuse)


@pytest.mark.parametrize(
    ("data", "most"),
    [
        (encoded(".jpg", PICTURE, cv2.IMWRITE_JPEG_QUALITY, 95), 3.0),
        (encoded(".jpg", PICTURE, cv2.IMWRITE_JPEG_PROGRESSIVE, 1), 3.0),
        (encoded(".jpg", PICTURE, cv2.IMWRITE_JPEG_RST_INTERVAL, 1), 3.0),
        (encoded(".jpg", PICTURE) + b"a telephone's trailer" * 9, 3.0),
        (encoded(".png", PICTURE), 0.0),
        (encoded(".png", np.dstack([PICTURE, WHOLE])), 0.0),
        (encoded(".bmp", PICTURE), 0.0),
        (encoded(".webp", PICTURE, cv2.IMWRITE_WEBP_QUALITY, 101), 0.0),
        (encoded(".webp", PICTURE, cv2.IMWRITE_WEBP_QUALITY, 95), 6.0),
        (encoded(".webp", np.dstack([PICTURE, WHOLE]), cv2.IMWRITE_WEBP_QUALITY, 101), 0.0),
    ],
    ids=[
        "jpeg",
        "progressive",
        "restarts",
        "trailer",
        "png",
        "rgba",
        "bmp",
        "lossless",
        "webp",
        "webp-rgba",
    ],
)
def test_every_kind_a_clerk_has_is_decoded(data: bytes, most: float) -> None:
    assert apart(PICTURE, decode(data, "photo 1")) <= most


@pytest.mark.parametrize("kind", [".jpg", ".png", ".bmp", ".webp"])
def test_a_grey_picture_gets_three_equal_colours(kind: str) -> None:
    grey = np.asarray(cv2.cvtColor(PICTURE, cv2.COLOR_BGR2GRAY), np.uint8)

    found = decode(encoded(kind, grey), "photo 1")

    assert apart(np.repeat(grey[:, :, None], 3, 2), found) < 3.0


@pytest.mark.parametrize("alpha", [False, True])
def test_16_bits_become_the_upper_8(alpha: bool) -> None:
    deep = np.random.default_rng(2).integers(0, 65536, (48, 64, 3), np.uint16)
    full = np.full((48, 64, 1), 65535, np.uint16)
    data = encoded(".png", np.dstack([deep, full]) if alpha else deep)

    assert np.array_equal((deep >> 8).astype(np.uint8), decode(data, "photo 1"))


TURNS: dict[int, Callable[[Image], Image]] = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.transpose(1, 0, 2),
    6: lambda a: a.transpose(1, 0, 2)[:, ::-1],
    7: lambda a: a.transpose(1, 0, 2)[::-1, ::-1],
    8: lambda a: a.transpose(1, 0, 2)[::-1],
}


@pytest.mark.parametrize("way", TURNS)
def test_the_rotation_of_the_camera_is_undone(way: int) -> None:
    upright = decode(encoded(".jpg", PICTURE, cv2.IMWRITE_JPEG_QUALITY, 95), "photo 1")

    assert np.array_equal(TURNS[way](upright), decode(turned(way), "photo 1"))


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "is not a JPEG or PNG"),
        (b"no picture", "is not a JPEG or PNG"),
        (b"\xff\xd8\xff\xe0 no picture", "is not a JPEG or PNG"),
        (encoded(".ppm", PICTURE), "is not a JPEG or PNG"),
        (encoded(".hdr", PICTURE.astype(np.float32)), "is not a JPEG or PNG"),
        (encoded(".gif", PICTURE), "is a GIF, not a JPEG or PNG"),
        (animated(".gif"), "is a GIF, not a JPEG or PNG"),
        (encoded(".tiff", PICTURE), "is a TIFF, not a JPEG or PNG"),
        (encoded(".jp2", PICTURE), "is a JPEG 2000, not a JPEG or PNG"),
        (encoded(".avif", PICTURE), "is a HEIC or AVIF, not a JPEG or PNG"),
        (b"\0\0\0\x18ftypheic" + bytes(99), "is a HEIC or AVIF, not a JPEG or PNG"),
        (b"%PDF-1.7\n", "is a PDF, not a JPEG or PNG"),
        (animated(".png"), "is animated, a still picture is needed"),
        (animated(".webp"), "is animated, a still picture is needed"),
        (sized_webp(64, flags=2), "is animated, a still picture is needed"),
        (sized_jpeg(48, 64, colours=4), "is a CMYK picture made for printing, save it as RGB"),
        (sized_bmp(48, 64, packing=1), "is a compressed BMP, not a JPEG or PNG"),
        (sized_jpeg(0, 64), "is damaged"),
        (png((0, 64, 8, 2)), "is damaged"),
        (encoded(".jpg", PICTURE)[:2] + segment(0xE0, b"") * 30_000, "is damaged"),
        (encoded(".jpg", PICTURE)[:2] + segment(0xDA, b"") * 101, "is damaged"),
        (png((8, 8, 8, 2), chunk(b"tEXt", b"") * 30_000), "is damaged"),
        (b"\xff\xd8\xff\xe0\0\1", "is damaged"),
    ],
)
@pytest.mark.usefixtures("undecoded")
def test_what_is_no_still_picture_is_refused_by_name(data: bytes, says: str) -> None:
    assert f"photo 3 {says}" == refusal(data)


@pytest.mark.parametrize(
    "data",
    [
        sized_jpeg(HUGE, HUGE),
        sized_jpeg(1, 48)[:-2] + sized_jpeg(HUGE, HUGE)[2:],
        png((HUGE, HUGE, 8, 0), rows=bytes(999_999)),
        png((2**31 - 1, 2**31 - 1, 1, 0)),
        sized_webp(HUGE),
    ],
    ids=["jpeg", "second-size", "png", "endless", "webp"],
)
@pytest.mark.usefixtures("undecoded")
def test_a_bomb_is_refused_before_it_is_decoded(data: bytes) -> None:
    assert "photo 3 has over 24 megapixels" == refusal(data)


@pytest.mark.usefixtures("undecoded")
def test_a_bmp_has_to_hold_all_it_promises() -> None:
    assert "photo 3 is cut short" == refusal(sized_bmp(HUGE, HUGE))
    assert "photo 3 is cut short" == refusal(sized_bmp(-(2**31), 2**31 - 1))


@pytest.mark.usefixtures("undecoded")
def test_pixels_of_16_bits_count_twice() -> None:
    assert "photo 3 has over 24 megapixels (16 bits count twice)" == refusal(
        png((4000, 3001, 16, 6))
    )


def test_the_largest_picture_is_decoded() -> None:
    data = encoded(".png", np.zeros((4000, 6000), np.uint8))

    assert MAX_PHOTO_PX * 3 == decode(data, "photo 1").size
    assert "photo 3 has over 24 megapixels" == refusal(png((6000, 4001, 8, 0)))


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9, 0.99])
@pytest.mark.parametrize(
    ("kind", "flags"),
    [
        (".jpg", ()),
        (".jpg", (cv2.IMWRITE_JPEG_PROGRESSIVE, 1)),
        (".jpg", (cv2.IMWRITE_JPEG_RST_INTERVAL, 1)),
        (".png", ()),
        (".bmp", ()),
        (".webp", ()),
    ],
)
@pytest.mark.usefixtures("undecoded")
def test_half_a_picture_is_cut_short(kind: str, flags: tuple[int, ...], share: float) -> None:
    data = encoded(kind, smooth(480, 640), *flags)

    assert "photo 3 is cut short" == refusal(data[: int(len(data) * share)])


def test_the_thumbnail_does_not_end_the_picture() -> None:
    data = encoded(".jpg", smooth(480, 640))
    kept = data[:2] + segment(0xE1, b"Exif\0\0" + encoded(".jpg", PICTURE)) + data[2:]

    assert np.array_equal(decode(data, "photo 1"), decode(kept, "photo 1"))
    assert "photo 3 is cut short" == refusal(kept[:-3000])


def test_a_png_whose_rows_end_early_is_damaged() -> None:
    rows = (b"\0" + bytes(64 * 3)) * 24

    assert "photo 3 is damaged" == refusal(png((64, 48, 8, 2), rows=rows))


def test_a_flipped_bit_of_a_png_is_damage() -> None:
    data = bytearray(encoded(".png", PICTURE))
    data[len(data) // 2] ^= 0x10

    assert "photo 3 is damaged" == refusal(bytes(data))


@pytest.mark.parametrize(
    "data",
    [
        encoded(".png", np.dstack([PICTURE, HOLED])),
        encoded(".png", np.dstack([PICTURE, HOLED]).astype(np.uint16) * 257),
        encoded(".webp", np.dstack([PICTURE, HOLED])),
        png((8, 8, 8, 3), chunk(b"PLTE", bytes(6)), chunk(b"tRNS", b"\0"), rows=bytes(72)),
        png((8, 8, 8, 0), chunk(b"tRNS", b"\0\0"), rows=bytes(72)),
    ],
    ids=["rgba", "16-bit", "webp", "palette", "one-grey"],
)
def test_a_picture_one_can_see_through_is_refused(data: bytes) -> None:
    assert "photo 3 is transparent in part, save it without transparency" == refusal(data)


def test_a_picture_that_is_not_as_large_as_it_says_is_damaged(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def other(*_: object) -> Image:
        return np.zeros((9, 9, 3), np.uint8)

    monkeypatch.setattr(cv2, "imdecode", other)

    assert "photo 3 is damaged" == refusal(encoded(".png", PICTURE))


def test_a_picture_without_a_face_is_refused(models: FaceModels) -> None:
    with pytest.raises(PhotoError, match="photo 2 shows 0 faces, one is needed"):
        face_of(models, encoded(".png", smooth(480, 640)), "photo 2")


def test_two_faces_are_one_too_many(models: FaceModels, portrait: Callable[[str], bytes]) -> None:
    one, other = (decode(portrait(name), name) for name in ("first-1", "second"))
    height = min(len(one), len(other), 600)
    both = [cv2.resize(each, (height, height)) for each in (one, other)]

    with pytest.raises(PhotoError, match="photo 2 shows 2 faces, one is needed"):
        face_of(models, encoded(".png", np.hstack(both)), "photo 2")


@pytest.mark.parametrize("way", [3, 6, 8])
def test_a_portrait_held_sideways_is_the_same_person(
    models: FaceModels, portrait: Callable[[str], bytes], way: int
) -> None:
    image = decode(portrait("second"), "second")
    back = {3: cv2.ROTATE_180, 6: cv2.ROTATE_90_COUNTERCLOCKWISE, 8: cv2.ROTATE_90_CLOCKWISE}
    held = encoded(".jpg", np.asarray(cv2.rotate(image, back[way])))
    exif = turned(way)[2 : turned(way).index(b"\xff\xe0")]

    found = face_of(models, held[:2] + exif + held[2:], "photo 1")

    assert float(found @ face_of(models, portrait("second"), "photo 1")) > 0.95


SEEDS = [
    encoded(".jpg", PICTURE),
    encoded(".jpg", PICTURE, cv2.IMWRITE_JPEG_PROGRESSIVE, 1),
    turned(6),
    encoded(".png", PICTURE),
    encoded(".png", np.dstack([PICTURE, HOLED])),
    encoded(".bmp", PICTURE),
    encoded(".webp", PICTURE),
    sized_webp(64),
    animated(".webp"),
]


def outcome(data: bytes) -> None:
    try:
        image = decode(data, "photo 1")
    except PhotoError as exc:
        assert str(exc).startswith("photo 1 ")
    else:
        assert image.dtype == np.uint8
        assert 3 == image.shape[2]
        assert image.size <= 3 * MAX_PHOTO_PX


@settings(max_examples=400, deadline=None)
@given(
    st.sampled_from([b"", *(seed[:n] for seed in SEEDS for n in (2, 12, 30))]),
    st.binary(max_size=300),
)
def test_any_bytes_are_a_picture_or_a_refusal(start: bytes, rest: bytes) -> None:
    outcome(start + rest)


@settings(max_examples=400, deadline=None)
@given(
    st.sampled_from(SEEDS),
    st.lists(st.tuples(st.integers(0, 120), st.binary(min_size=1, max_size=4)), max_size=4),
    st.integers(0, 40),
)
def test_an_altered_picture_is_a_picture_or_a_refusal(
    seed: bytes, changes: list[tuple[int, bytes]], cut: int
) -> None:
    data = bytearray(seed)
    for at, new in changes:
        data[at : at + len(new)] = new
    outcome(bytes(data[: len(data) - cut]))


# In a process of its own: the highest memory a process has had cannot be taken back.
HEAP = """
import pathlib, random, sys
sys.path.append(sys.argv[1])
import test_photo as t
def peak():
    status = pathlib.Path("/proc/self/status").read_text("ascii")
    return int(status.split("VmHWM:")[1].split()[0]) // 1024
before, rng = peak(), random.Random(7)
t.decode(sys.stdin.buffer.read(), "the largest")
for _ in range(1500):
    data = bytearray(rng.choice(t.SEEDS))
    for _ in range(rng.randint(1, 3)):
        at = rng.randrange(min(len(data), 200))
        data[at : at + 2] = rng.randbytes(2)
    t.outcome(bytes(data))
print(peak() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="no /proc")
def test_no_picture_takes_more_than_220_mb() -> None:
    flags = (cv2.IMWRITE_JPEG_PROGRESSIVE, 1, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, 0x111111)
    largest = turned(6, np.zeros((4000, 6000, 3), np.uint8), *flags)
    command = [sys.executable, "-c", HEAP, str(Path(__file__).parent)]
    done = subprocess.run(command, input=largest, check=True, capture_output=True, timeout=100)

    assert 100 < int(done.stdout) < 220
