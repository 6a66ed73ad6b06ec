"""Whether this copy of the program works on this machine, before it replaces another."""

from __future__ import annotations

import tempfile
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from yibao_face.daemon.config import Config, load_site
from yibao_face.daemon.wiring import vault_of, weight_store
from yibao_face.models.suite import load_face_models

_SIDE_PX = (480, 640, 3)


def self_test() -> dict[str, Any]:
    """Load every network (each is hashed), let them see an empty picture, wrap a device key.

    The data of the site stays as it is: the key is one of a folder of its own. What fails is
    raised as it is; what is returned goes into the installation's report.
    """
    began_s = time.perf_counter()
    models = load_face_models(weight_store(load_site()))
    try:
        loaded_s = time.perf_counter()
        faces = models.detector.find(np.zeros(_SIDE_PX, np.uint8))
        seen_s = time.perf_counter()
    finally:
        models.close()
    with tempfile.TemporaryDirectory(prefix="yibao-face-") as held:
        vault_of(Config(Path(held)))
    return {
        "ok": not faces,
        "version": version("yibao-face"),
        "load_ms": round((loaded_s - began_s) * 1000),
        "detect_ms": round((seen_s - loaded_s) * 1000),
    }
