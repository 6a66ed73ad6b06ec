"""A data folder of its own for a benchmark, with a signed policy that spares one 医疗类别."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from yibao_face.daemon.booth.still.photo import enrol
from yibao_face.daemon.config import Config
from yibao_face.daemon.demo.picture.portraits import load_portrait
from yibao_face.daemon.gallery.gallery import Enrolment, Numbers
from yibao_face.daemon.section import CameraConfig, DoorConfig, EnrolmentConfig
from yibao_face.daemon.trust.document import keys_text, sign_document
from yibao_face.daemon.trust.policy import KIND
from yibao_face.daemon.trust.signature import SEED_BYTES, Ed25519Signer
from yibao_face.daemon.wiring import centre_keys_path, gallery_of, policy_paths, weight_store
from yibao_face.models.suite import load_face_models

SPARED, RULE = "11", "spared"
# Invented; its face is that of a demo portrait.
ENROLLED = "110101199003070000"


@contextmanager
def scratch_site(home: Config) -> Generator[Config, None, None]:
    """Models and clips of ``home``, nothing else of it; nobody is enrolled in a call."""
    with tempfile.TemporaryDirectory(prefix="yibao-bench-") as folder:
        data = Path(folder)
        if home.models.is_dir():
            shutil.copytree(home.models, data / "models")
        clip = home.data / "clips" / "live-second.rgbd"
        site = Config(
            data,
            door=DoorConfig(port=0),
            camera=CameraConfig(f"replay:{clip}" if clip.is_file() else "", silence_s=1.0),
            encounter=replace(home.encounter, capture_s=3.0),
            enrolment=EnrolmentConfig(in_call=False),
        )
        _give_policy(site)
        yield site


def enrol_one(site: Config, home: Config) -> str:
    """Enrol ``ENROLLED`` from a demo portrait; the digest records name him by."""
    models = load_face_models(weight_store(home))
    enrolment = Enrolment(Numbers(ENROLLED), "李四", "v1", "photo:benchmark", "2026-11-22")
    gallery = gallery_of(site)
    try:
        enrol(gallery, models, enrolment, [load_portrait("second", home.downloads)])
    finally:
        models.close()
    return gallery.digests(Numbers(ENROLLED))[0]


def _give_policy(site: Config) -> None:
    centre = Ed25519Signer(bytes(SEED_BYTES))
    centre_keys_path(site).write_text(keys_text([centre]), "utf-8")
    rule = {"id": RULE, "check": False, "when": {"med_type": [SPARED]}}
    payload = json.dumps({"version": 1, "rules": [rule]})
    policy_paths(site)[0].write_bytes(sign_document(KIND, 1, payload, centre))
