"""A data folder to play on: the networks, the clips, the invented cast enrolled."""

from __future__ import annotations

import shutil
from dataclasses import replace
from importlib.util import find_spec

from yibao_face.daemon.cli.common import CliError, say
from yibao_face.daemon.config import Config
from yibao_face.daemon.demo.play import Stage, enrol_cast
from yibao_face.daemon.section import ReaderConfig
from yibao_face.daemon.wiring import weight_store
from yibao_face.models.suite import load_face_models
from yibao_face.models.weights.install import install


def prepare(config: Config, name: str, *, fresh: bool = False) -> Stage:
    """Make the folder ``name`` anew; nothing of it mixes with real persons and results.

    ``fresh``: make the clips again. ``CliError`` without the packages this needs.
    """
    if find_spec("onnx") is None or find_spec("scipy") is None:
        raise CliError("this needs onnx and scipy: pip install 'yibao-face[convert,demo]'")
    data = config.data / name
    shutil.rmtree(data, ignore_errors=True)
    data.mkdir(parents=True)
    stage = Stage(replace(config, data=data), config.data / "clips")
    camera = replace(config.camera, uri=f"replay:{stage.before_camera}")
    reader = ReaderConfig(f"virtual:{stage.card}")
    stage = replace(stage, config=replace(stage.config, camera=camera, reader=reader))
    install(weight_store(config), config.downloads, say)
    _fill(config, stage, fresh=fresh)
    return stage


def _fill(config: Config, stage: Stage, *, fresh: bool) -> None:
    # Its geometry needs scipy, which prepare() looked for.
    from yibao_face.daemon.demo.picture.clips import has_clips, make_clips  # noqa: PLC0415

    shutil.copytree(config.models, stage.config.models, dirs_exist_ok=True)
    models = load_face_models(weight_store(config))
    try:
        if fresh or not has_clips(stage.clips):
            make_clips(models, config.downloads, stage.clips, 1, say)
        enrol_cast(stage, models, config.downloads)
    finally:
        models.close()
