"""What the centre may set of a site's configuration, kept as a signed layer beside its file.

Keys that keep the counter safe it may only tighten: of the site's value and the centre's, the
stricter one holds. Where the counter listens and what is plugged in is the site's alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

from yibao_face.daemon.trust.document import (
    MAX_DOCUMENT_BYTES,
    CentreKeys,
    Document,
    DocumentError,
    open_document,
)

KIND = "configuration"
# Longer, the record of it would not travel.
MAX_BYTES = 65_536
_CHALLENGES = ("never", "after-reject", "above-amount", "always")

# The site's value and the centre's → the one that holds.
Join = Callable[[Any, Any], Any]


def _centres(_site: Any, centre: Any) -> Any:
    return centre


def _both(site: bool, centre: bool) -> bool:
    return site and centre


def _more_asked(site: str, centre: str) -> str:
    return max(site, centre, key=_CHALLENGES.index)


def _fewer_spoofs(site: int, centre: int) -> int:
    """0 pauses nobody, ever."""
    return min(site or centre, centre or site)


def _union(site: tuple[str, ...], centre: tuple[str, ...]) -> tuple[str, ...]:
    missing = tuple(item for item in site if item not in centre)
    return centre + missing


KEYS: dict[str, Join] = {
    "match.margin": max,
    "match.grow": _both,
    "liveness.challenge": _more_asked,
    "liveness.challenge_amount": min,
    "liveness.allow_rgb_only": _both,
    "liveness.keep_attack_crops": _centres,
    "liveness.crop_days": _centres,
    "enrolment.in_call": _both,
    "enrolment.consent_version": _centres,
    "enrolment.consent_text": _centres,
    "encounter.deadline_s": _centres,
    "encounter.capture_s": _centres,
    "repeat.pass_s": min,
    "lockout.spoofs": _fewer_spoofs,
    "lockout.window_s": max,
    "lockout.lock_s": max,
    "attendance.clock_tolerance_s": min,
    "desk.round_by": _centres,
    "desk.makeup_hours": min,
    "desk.max_agents": min,
    "desk.max_cards": min,
    "desk.inpatient_med_types": _union,
    "evidence.quota_mb": _centres,
}


@dataclass(frozen=True, slots=True)
class Layer:
    """A genuine configuration of the centre. ``values``: by key, types as JSON has them."""

    document: Document
    values: Mapping[str, Any]


def layer_path(data: Path) -> Path:
    """Where the accepted configuration of the centre is kept."""
    return data / "configuration.accepted.json"


def keys_path(data: Path) -> Path:
    """The centre's public keys, put there by the installer."""
    return data / "centre-keys.json"


def open_layer(data: bytes, keys: CentreKeys) -> Layer:
    """The layer in an envelope; ``DocumentError`` for any doubt."""
    if len(data) > MAX_BYTES:
        raise DocumentError(f"the configuration is longer than {MAX_BYTES} bytes")
    document = open_document(data, KIND, keys)
    return Layer(document, layer_values(document.payload))


def read_layer(data: Path, keys: CentreKeys) -> Layer | None:
    """The accepted layer of a data folder; ``None``: there is none. ``DocumentError``."""
    try:
        with layer_path(data).open("rb") as file:
            found = file.read(MAX_DOCUMENT_BYTES + 1)
    except FileNotFoundError:
        return None
    except OSError as exc:
        raise DocumentError(f"{layer_path(data).name} cannot be read") from exc
    return open_layer(found, keys)


def layer_values(payload: object) -> dict[str, Any]:
    """Those of ``{"values": {"match.margin": 0.06}}``; ``DocumentError`` names a bad key."""
    body = cast(dict[str, Any], payload) if isinstance(payload, dict) else {}
    values = body.get("values")
    if body.keys() != {"values"} or not isinstance(values, dict) or not values:
        raise DocumentError("a configuration is an object of values, nothing else")
    given = cast(dict[str, Any], values)
    for key in given:
        if key not in KEYS:
            raise DocumentError(f"{key[:40]!r} is not for the centre to set")
    return {key: _plain(value) for key, value in given.items()}


def _plain(value: Any) -> Any:
    return float(value) if isinstance(value, Decimal) else value
