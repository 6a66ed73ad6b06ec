"""The C interface of OpenNI2 (OniCAPI.h, stable since 2.2) and where its library lies."""

from __future__ import annotations

import functools
import sys
from pathlib import Path
from typing import Any

from yibao_face.drivers.api import DeviceUnsupportedError

# ONI_CREATE_API_VERSION(2, 2): runtimes of 2.3 take it, later ones of vendors as well.
API_VERSION = 2002

OK, ERROR, NOT_SUPPORTED, NO_DEVICE = 0, 1, 3, 6
IR, COLOUR, DEPTH = 1, 2, 3
DEPTH_1_MM, DEPTH_100_UM = 100, 101
RGB888, YUV422, GRAY8, GRAY16, YUYV = 200, 201, 202, 203, 205
STATE_ERROR = 1
REGISTERED = 1

DEVICE_FIRMWARE, DEVICE_SERIAL, DEVICE_REGISTRATION = 0, 3, 5
STREAM_HORIZONTAL_FOV, STREAM_VERTICAL_FOV, STREAM_VIDEO_MODE = 1, 2, 3
STREAM_MAX_VALUE, STREAM_MIRRORING = 4, 7

_DECLARATIONS = """
typedef struct { int pixelFormat; int resolutionX; int resolutionY; int fps; } OniVideoMode;
typedef struct {
    int sensorType; int numSupportedVideoModes; OniVideoMode* pSupportedVideoModes;
} OniSensorInfo;
typedef struct {
    char uri[256]; char vendor[256]; char name[256];
    uint16_t usbVendorId; uint16_t usbProductId;
} OniDeviceInfo;
typedef struct {
    int dataSize; void* data; int sensorType; uint64_t timestamp; int frameIndex;
    int width; int height; OniVideoMode videoMode;
    int croppingEnabled; int cropOriginX; int cropOriginY; int stride;
} OniFrame;
typedef void (__stdcall *OniNewFrameCallback)(void* stream, void* cookie);
typedef void (__stdcall *OniDeviceInfoCallback)(const OniDeviceInfo* info, void* cookie);
typedef void (__stdcall *OniDeviceStateCallback)(
    const OniDeviceInfo* info, int state, void* cookie);
typedef struct {
    OniDeviceInfoCallback connected; OniDeviceInfoCallback disconnected;
    OniDeviceStateCallback stateChanged;
} OniDeviceCallbacks;

int oniInitialize(int apiVersion);
void oniShutdown(void);
const char* oniGetExtendedError(void);
int oniGetDeviceList(OniDeviceInfo** devices, int* count);
int oniReleaseDeviceList(OniDeviceInfo* devices);
int oniRegisterDeviceCallbacks(OniDeviceCallbacks* callbacks, void* cookie, void** handle);
int oniWaitForAnyStream(void** streams, int count, int* index, int timeout_ms);
int oniDeviceOpen(const char* uri, void** device);
int oniDeviceClose(void* device);
int oniDeviceGetInfo(void* device, OniDeviceInfo* info);
const OniSensorInfo* oniDeviceGetSensorInfo(void* device, int sensor);
int oniDeviceCreateStream(void* device, int sensor, void** stream);
int oniDeviceSetProperty(void* device, int property, const void* data, int size);
int oniDeviceGetProperty(void* device, int property, void* data, int* size);
int oniDeviceIsImageRegistrationModeSupported(void* device, int mode);
void oniStreamDestroy(void* stream);
int oniStreamStart(void* stream);
void oniStreamStop(void* stream);
int oniStreamReadFrame(void* stream, OniFrame** frame);
int oniStreamRegisterNewFrameCallback(
    void* stream, OniNewFrameCallback handler, void* cookie, void** handle);
int oniStreamSetProperty(void* stream, int property, const void* data, int size);
int oniStreamGetProperty(void* stream, int property, void* data, int* size);
void oniFrameRelease(OniFrame* frame);
int oniCoordinateConverterDepthToColor(
    void* depth, void* colour, int x, int y, uint16_t z, int* colourX, int* colourY);
"""
_NAMES = ("OpenNI2.dll",) if sys.platform == "win32" else ("libOpenNI2.so.0", "libOpenNI2.so")


@functools.cache
def load(folder: str) -> tuple[Any, Any]:
    """cffi's ``FFI`` and the library of ``folder``, of the system where that is empty.

    Raises ``DeviceUnsupportedError`` that says where was looked.
    """
    from cffi import FFI  # noqa: PLC0415  # only who has such a camera pays for it

    ffi = FFI()
    ffi.cdef(_DECLARATIONS)
    said: list[str] = []
    for name in _places(folder):
        try:
            return ffi, ffi.dlopen(name)
        except OSError as exc:
            said.append(str(exc))
    raise DeviceUnsupportedError(
        f"openni2: no OpenNI2 runtime: {'; '.join(said)}; install libopenni2-0 or let runtime "
        f"name the vendor's folder that holds {_NAMES[-1]} and OpenNI2/Drivers"
    )


def _places(folder: str) -> list[str]:
    if not folder:
        return list(_NAMES)
    files = [str(Path(folder).absolute() / name) for name in reversed(_NAMES)]
    return [file for file in files if Path(file).is_file()] or files[:1]
