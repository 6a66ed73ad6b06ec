"""An RTSP server of GStreamer's: a moving ball at /cam (MJPEG) and /h264, sound at /sound.

Run by the system's own Python, which has GStreamer: ``rtsp_server.py PORT [USER PASSWORD]``.
Prints its port when it listens, and ends with its parent.
"""

# pyright: basic, reportMissingImports=false, reportAttributeAccessIssue=false
# GObject introspection makes these modules at run time: nothing is there to be checked.
# mypy: ignore-errors

import ctypes
import signal
import sys

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtsp", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtsp, GstRtspServer  # noqa: E402  # versions come first

_PR_SET_PDEATHSIG = 1
_BALL = (
    "( videotestsrc is-live=true pattern=ball ! "
    "video/x-raw,format=I420,width=640,height=480,framerate=25/1 ! "
)
_JPEG = _BALL + "jpegenc ! rtpjpegpay name=pay0 pt=26 )"
# One key picture a second, as cameras do.
_H264 = _BALL + "openh264enc gop-size=25 ! h264parse ! rtph264pay name=pay0 pt=96 )"
_SOUND = "( audiotestsrc is-live=true ! audioconvert ! mulawenc ! rtppcmupay name=pay0 pt=0 )"


def serve(port: str, user: str = "", password: str = "") -> None:
    """Serve until killed."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    Gst.init(None)
    server = GstRtspServer.RTSPServer()
    server.set_address("127.0.0.1")
    server.set_service(port)
    if user:
        server.set_auth(_digest(user, password))
    for path, launch in (("/cam", _JPEG), ("/h264", _H264), ("/sound", _SOUND)):
        server.get_mount_points().add_factory(path, _factory(launch, locked=bool(user)))
    server.attach(None)
    assert server.get_bound_port() > 0, "the port is taken"
    print(server.get_bound_port(), flush=True)  # noqa: T201  # the parent waits for it
    GLib.MainLoop().run()


def _factory(launch: str, *, locked: bool) -> "GstRtspServer.RTSPMediaFactory":
    factory = GstRtspServer.RTSPMediaFactory()
    factory.set_launch(launch)
    # A shared pipeline answers 503 while it winds down after its last viewer.
    factory.set_shared(False)
    if locked:
        permissions = GstRtspServer.RTSPPermissions()
        for act in ("media.factory.access", "media.factory.construct"):
            permissions.add_permission_for_role("viewer", act, True)
        factory.set_permissions(permissions)
    return factory


def _digest(user: str, password: str) -> "GstRtspServer.RTSPAuth":
    auth = GstRtspServer.RTSPAuth()
    auth.set_supported_methods(GstRtsp.RTSPAuthMethod.DIGEST)
    token = GstRtspServer.RTSPToken()
    token.set_string("media.factory.role", "viewer")
    auth.add_digest(user, password, token)
    return auth


if __name__ == "__main__":
    serve(*sys.argv[1:])
