"""The counter's camera: who opens it, how it is kept, and what is known of its health."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from yibao_face.daemon.booth.alarm import CameraAlarm, Write
from yibao_face.drivers.api import Camera
from yibao_face.drivers.driver import Driver, Settings
from yibao_face.drivers.plugin import plugins
from yibao_face.drivers.supervise.health import Health
from yibao_face.drivers.supervise.supervisor import Patience, Supervisor
from yibao_face.drivers.table import AUTO, BUILT_IN, driver, open_camera
from yibao_face.sync.api import StoreError

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Eye:
    """``open`` gives the camera to one encounter. ``supervisor``: none for recordings."""

    open: Callable[[], Camera]
    supervisor: Supervisor | None = None

    def health(self) -> Health | None:
        """Of the camera now; ``None`` where nobody watches over it."""
        return None if self.supervisor is None else self.supervisor.health()

    def close(self) -> None:
        """Release the camera."""
        if self.supervisor is not None:
            self.supervisor.close()


def eye_of(
    uri: str, settings: Settings, patience: Patience, folder: Path | None, write: Write
) -> Eye:
    """The camera ``uri`` names, supervised; alarms about it go to ``write``.

    ``folder``: of the site's plug-ins. A recording waits for its reader: each encounter plays it
    from the start. What cannot be opened says so at each call, not here.
    """
    site = plugins(folder).drivers
    if not uri or _is_recorded(uri, site):
        return Eye(lambda: open_camera(uri, settings, site))
    alarm = CameraAlarm(write)
    supervisor = Supervisor(lambda: open_camera(uri, settings, site), patience, _patiently(alarm))
    return Eye(supervisor.lease, supervisor)


def camera_view(health: Health) -> dict[str, Any]:
    """What may be told of the camera to whoever asks this machine: nothing of who was seen."""
    camera, age_s = health.info, health.last_frame_age_s
    return {
        "state": health.state.value,
        "fault": health.fault,
        "condition": health.condition.value if health.condition else "",
        "driver": camera.driver if camera else "",
        "model": camera.model if camera else "",
        "fps": round(health.fps, 1),
        "last_frame_age_s": None if age_s is None else round(age_s, 3),
        "opens": health.opens,
        "dropped": health.dropped,
    }


def _is_recorded(uri: str, site: Mapping[str, Driver]) -> bool:
    """Names of no driver count as live: opening them tells what is wrong."""
    name = uri.partition(":")[0]
    known = uri != AUTO and (name in site or name in BUILT_IN)
    return known and driver(name, site).recorded


def _patiently(alarm: CameraAlarm) -> Callable[[Health], None]:
    """A disk that is full for a while must not stop the camera: the alarm comes again."""

    def tell(health: Health) -> None:
        try:
            alarm.hear(health)
        except StoreError as exc:
            logger.warning("camera alarm not written yet: %s", exc)

    return tell
