"""Structures and request numbers of the kernel's video interface (linux/videodev2.h)."""

from __future__ import annotations

import ctypes as c

CAPTURE = 1  # V4L2_BUF_TYPE_VIDEO_CAPTURE
MMAP = 1  # V4L2_MEMORY_MMAP
FIELD_NONE = 1
CAP_VIDEO_CAPTURE = 0x0000_0001
CAP_STREAMING = 0x0400_0000
CAP_DEVICE_CAPS = 0x8000_0000
BUF_ERROR = 0x40
BUF_MONOTONIC = 0x2000
BUF_CLOCK_MASK = 0xE000
CTRL_DISABLED = 0x1
CTRL_INACTIVE = 0x10
DISCRETE = 1

POWER_LINE_FREQUENCY = 0x0098_0918
AUTO_EXPOSURE = 0x009A_0901
EXPOSURE_TIME_ABSOLUTE = 0x009A_0902
EXPOSURE_MANUAL = 1
EXPOSURE_APERTURE_PRIORITY = 3


class Capability(c.Structure):
    """What a node is."""

    _fields_ = (
        ("driver", c.c_char * 16),
        ("card", c.c_char * 32),
        ("bus_info", c.c_char * 32),
        ("version", c.c_uint32),
        ("capabilities", c.c_uint32),
        ("device_caps", c.c_uint32),
        ("reserved", c.c_uint32 * 3),
    )


class FormatName(c.Structure):
    """One pixel format a node offers."""

    _fields_ = (
        ("index", c.c_uint32),
        ("type", c.c_uint32),
        ("flags", c.c_uint32),
        ("description", c.c_char * 32),
        ("pixelformat", c.c_uint32),
        ("mbus_code", c.c_uint32),
        ("reserved", c.c_uint32 * 3),
    )


class Fraction(c.Structure):
    """Seconds of a frame interval."""

    _fields_ = (("numerator", c.c_uint32), ("denominator", c.c_uint32))


class FrameSize(c.Structure):
    """One size, or for all types but ``DISCRETE`` a range of sizes, of a pixel format."""

    _fields_ = (
        ("index", c.c_uint32),
        ("pixel_format", c.c_uint32),
        ("type", c.c_uint32),
        # discrete: width, height; else least, most and step of the width, then of the height
        ("numbers", c.c_uint32 * 6),
        ("reserved", c.c_uint32 * 2),
    )


class FrameInterval(c.Structure):
    """One interval, or the least of a range of intervals, of a size."""

    _fields_ = (
        ("index", c.c_uint32),
        ("pixel_format", c.c_uint32),
        ("width", c.c_uint32),
        ("height", c.c_uint32),
        ("type", c.c_uint32),
        ("least", Fraction),
        ("most", Fraction),
        ("step", Fraction),
        ("reserved", c.c_uint32 * 2),
    )


class Pixels(c.Structure):
    """The picture a node delivers."""

    _fields_ = (
        ("width", c.c_uint32),
        ("height", c.c_uint32),
        ("pixelformat", c.c_uint32),
        ("field", c.c_uint32),
        ("bytesperline", c.c_uint32),
        ("sizeimage", c.c_uint32),
        ("more", c.c_uint32 * 6),
    )


class _FormatUnion(c.Union):
    # The pointer gives the union the alignment it has in C.
    _fields_ = (("pix", Pixels), ("raw", c.c_uint8 * 200), ("align", c.c_void_p))


class Format(c.Structure):
    """``Pixels`` with the type of the queue they belong to."""

    _fields_ = (("type", c.c_uint32), ("fmt", _FormatUnion))


class StreamParm(c.Structure):
    """Frame interval of a queue; the rest of the union is not ours."""

    _fields_ = (
        ("type", c.c_uint32),
        ("capability", c.c_uint32),
        ("capturemode", c.c_uint32),
        ("timeperframe", Fraction),
        ("rest", c.c_uint8 * 184),
    )


class RequestBuffers(c.Structure):
    """How many buffers a queue shall have."""

    _fields_ = (
        ("count", c.c_uint32),
        ("type", c.c_uint32),
        ("memory", c.c_uint32),
        ("capabilities", c.c_uint32),
        ("flags", c.c_uint32),
    )


class _Time(c.Structure):
    _fields_ = (("sec", c.c_long), ("usec", c.c_long))


class _Place(c.Union):
    _fields_ = (("offset", c.c_uint32), ("userptr", c.c_ulong))


class Buffer(c.Structure):
    """One buffer of a queue; when filled, what it holds and since when."""

    _fields_ = (
        ("index", c.c_uint32),
        ("type", c.c_uint32),
        ("bytesused", c.c_uint32),
        ("flags", c.c_uint32),
        ("field", c.c_uint32),
        ("timestamp", _Time),
        ("timecode", c.c_uint32 * 4),
        ("sequence", c.c_uint32),
        ("memory", c.c_uint32),
        ("m", _Place),
        ("length", c.c_uint32),
        ("reserved2", c.c_uint32),
        ("request_fd", c.c_int32),
    )


class QueryControl(c.Structure):
    """Range and state of a control."""

    _fields_ = (
        ("id", c.c_uint32),
        ("type", c.c_uint32),
        ("name", c.c_char * 32),
        ("minimum", c.c_int32),
        ("maximum", c.c_int32),
        ("step", c.c_int32),
        ("default_value", c.c_int32),
        ("flags", c.c_uint32),
        ("reserved", c.c_uint32 * 2),
    )


class Control(c.Structure):
    """Value of a control."""

    _fields_ = (("id", c.c_uint32), ("value", c.c_int32))


def _request(direction: int, number: int, kind: type[c.Structure | c.c_int]) -> int:
    return direction << 30 | c.sizeof(kind) << 16 | ord("V") << 8 | number


_WRITE, _READ, _BOTH = 1, 2, 3
QUERYCAP = _request(_READ, 0, Capability)
ENUM_FMT = _request(_BOTH, 2, FormatName)
G_FMT = _request(_BOTH, 4, Format)
S_FMT = _request(_BOTH, 5, Format)
REQBUFS = _request(_BOTH, 8, RequestBuffers)
QUERYBUF = _request(_BOTH, 9, Buffer)
QBUF = _request(_BOTH, 15, Buffer)
DQBUF = _request(_BOTH, 17, Buffer)
STREAMON = _request(_WRITE, 18, c.c_int)
STREAMOFF = _request(_WRITE, 19, c.c_int)
S_PARM = _request(_BOTH, 22, StreamParm)
S_CTRL = _request(_BOTH, 28, Control)
QUERYCTRL = _request(_BOTH, 36, QueryControl)
ENUM_FRAMESIZES = _request(_BOTH, 74, FrameSize)
ENUM_FRAMEINTERVALS = _request(_BOTH, 75, FrameInterval)
