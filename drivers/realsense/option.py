"""What is set at the sensors before they stream: lamps, exposure, mains."""

from __future__ import annotations

from typing import Any

from yibao_face.drivers.driver import Settings

_MAINS = {50: 1, 60: 2}
# Of the colour sensor, as UVC counts it; the stereo sensor counts microseconds.
_EXPOSURE_STEP_MS = 0.1


def apply(sdk: Any, device: Any, settings: Settings) -> None:
    """Set what ``settings`` ask of the sensors of ``device``, where they have it.

    The clock is the camera's own: mapped to the host's it is corrected now and then, and planes
    of one exposure would seem apart. The SDK refuses to change strobing once streams run.
    """
    for sensor in device.query_sensors():
        _set(sdk, sensor, "global_time_enabled", 0)
        if sensor.is_depth_sensor():
            _set(sdk, sensor, "emitter_on_off", int(settings.emitter and settings.strobe))
            _set(sdk, sensor, "emitter_enabled", int(settings.emitter))
            _set(sdk, sensor, "enable_auto_exposure", 1)
        else:
            _expose(sdk, sensor, settings)


def _expose(sdk: Any, sensor: Any, settings: Settings) -> None:
    _set(sdk, sensor, "power_line_frequency", _MAINS.get(settings.mains_hz, 0))
    # Else the rate falls in the dark, and colour lags behind depth.
    _set(sdk, sensor, "auto_exposure_priority", 0)
    _set(sdk, sensor, "enable_auto_exposure", int(settings.exposure_ms == 0))
    if settings.exposure_ms:
        _set(sdk, sensor, "exposure", settings.exposure_ms / _EXPOSURE_STEP_MS)


def _set(sdk: Any, sensor: Any, name: str, value: float) -> None:
    option: Any = getattr(sdk.option, name)
    if not sensor.supports(option) or sensor.is_option_read_only(option):
        return
    bounds: Any = sensor.get_option_range(option)
    sensor.set_option(option, min(max(value, bounds.min), bounds.max))


def emitter_is_on(sdk: Any, device: Any) -> bool | None:
    """Whether the lamp burns all the time; ``None``: it alternates, or the camera does not say."""
    for sensor in device.query_sensors():
        if sensor.is_depth_sensor():
            strobe, enabled = sdk.option.emitter_on_off, sdk.option.emitter_enabled
            if sensor.supports(strobe) and sensor.get_option(strobe):
                return None
            return bool(sensor.get_option(enabled)) if sensor.supports(enabled) else None
    return None
