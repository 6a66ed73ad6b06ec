"""Turn a carried file into what the daemon loads. Only this needs the ``convert`` extra.

The carried ONNX files are block-quantised to int8, which onnxruntime runs slowly or not at all
(their weights are listed as inputs, their DequantizeLinear is of a form it refuses). Folding the
weights back to fp32 and writing PRelu as convolutions gives the same numbers, in a third of
the time: 11 ms instead of 36 for the embedder.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from yibao_face.models.api import ModelSourceError

Arrays = dict[str, npt.NDArray[Any]]
# What a step makes changed with its number; networks of an older one are converted again.
_EDITIONS = {"fold-onnx": 2}
# Below this share of Relu, scaling by its inverse would cost digits.
_LEAST_SHARE = 1e-3
_MESH_MEMBER = "geometry_pipeline_metadata_landmarks.binarypb"
_MESH_POINTS = 468
# x, y, z, u, v per vertex; centimetres.
_VERTEX_NUMBERS = 5


def convert(how: str, data: bytes) -> bytes:
    """Apply the conversion named in the manifest; ``ModelSourceError`` for an unknown one."""
    step = _STEPS.get(how)
    if step is None:
        raise ModelSourceError(f"manifest names an unknown conversion {how!r}")
    return step(data)


def recipe(how: str) -> str:
    """Name and edition of a conversion, for the receipt."""
    return f"{how} {_EDITIONS.get(how, 1)}"


def _same(data: bytes) -> bytes:
    return data


def _fold(data: bytes) -> bytes:
    """De-quantise every weight, rewrite PRelu, free the batch (and picture) size."""
    import onnx  # noqa: PLC0415  # only the installing machine has it
    from onnx import numpy_helper  # noqa: PLC0415

    model: Any = onnx.load_from_string(data)
    graph = model.graph
    arrays: Arrays = {i.name: numpy_helper.to_array(i) for i in graph.initializer}
    nodes = [out for node in graph.node for out in _folded(node, arrays)]
    outputs = {output.name for output in graph.output}
    nodes = [out for node in nodes for out in _without_prelu(node, nodes, outputs, arrays)]
    _keep_real_inputs(graph, arrays)
    del graph.node[:]
    graph.node.extend(nodes)
    used = {name for node in nodes for name in node.input}
    del graph.initializer[:]
    graph.initializer.extend(
        numpy_helper.from_array(np.ascontiguousarray(value), name)
        for name, value in arrays.items()
        if name in used
    )
    _free_sizes(graph)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def _folded(node: Any, arrays: Arrays) -> list[Any]:
    """The nodes that replace ``node``; what is constant goes into ``arrays`` instead."""
    first = node.input[0] if node.input else ""
    if node.op_type == "DequantizeLinear" and first in arrays:
        arrays[node.output[0]] = _dequantised(node, arrays)
        return []
    if node.op_type == "Reshape" and first in arrays and node.input[1] in arrays:
        arrays[node.output[0]] = arrays[first].reshape(arrays[node.input[1]])
        return []
    return [node]


def _dequantised(node: Any, arrays: Arrays) -> npt.NDArray[np.float32]:
    settings = {a.name: a.i for a in node.attribute}
    axis, block = settings.get("axis", 1), settings.get("block_size", 0)
    values = arrays[node.input[0]].astype(np.float32)
    scale = arrays[node.input[1]].astype(np.float32)
    zero = arrays[node.input[2]] if len(node.input) > 2 else np.zeros_like(scale)
    spread = [_spread(part.astype(np.float32), values, axis, block) for part in (scale, zero)]
    return ((values - spread[1]) * spread[0]).astype(np.float32)


def _spread(
    part: npt.NDArray[np.float32], values: npt.NDArray[np.float32], axis: int, block: int
) -> npt.NDArray[np.float32]:
    """Scale or zero point brought to the shape of ``values``: per block, per axis, per tensor."""
    if block and part.ndim == values.ndim and part.size > 1:
        return np.repeat(part, block, axis).take(range(values.shape[axis]), axis)
    if part.size > 1:
        shape = [1] * values.ndim
        shape[axis] = -1
        return part.reshape(shape)
    return part.reshape(-1)[:1]


def _without_prelu(node: Any, nodes: list[Any], outputs: set[str], arrays: Arrays) -> list[Any]:
    """PRelu(x) = slope * x + (1 - slope) * Relu(x), each factor a convolution of one pixel.

    The runtime lays pictures out in blocks of channels for its convolutions. Everything else but
    Relu and Add makes it lay them out anew, before and after: that took a third of the time.
    """
    if node.op_type != "PRelu" or arrays[node.input[1]].size == 1:
        return [node]
    source, slope = node.input[0], arrays[node.input[1]].reshape(-1).astype(np.float64)
    out = node.output[0]
    user = _only_user(out, nodes, outputs)
    share = 1.0 - slope
    up, low, high = f"{out}_up", f"{out}_low", f"{out}_high"
    relu = _node("Relu", [source], up)
    if user is not None and np.abs(share).min() >= _LEAST_SHARE and _scale(user, share, arrays):
        return [
            relu,
            _per_channel(source, slope / share, low, arrays),
            _node("Add", [low, up], out),
        ]
    factors = [_per_channel(source, slope, low, arrays), _per_channel(up, share, high, arrays)]
    return [relu, *factors, _node("Add", [low, high], out)]


def _only_user(name: str, nodes: list[Any], outputs: set[str]) -> Any | None:
    users = [node for node in nodes if name in node.input]
    return users[0] if len(users) == 1 and name not in outputs else None


def _scale(user: Any, share: npt.NDArray[np.float64], arrays: Arrays) -> bool:
    """Have ``user`` multiply its input channels by ``share``, if its weights alone can do that."""
    if user.op_type != "Conv" or user.input[1] not in arrays:
        return False
    weights = arrays[user.input[1]]
    groups = next((a.i for a in user.attribute if a.name == "group"), 1)
    if groups == 1:
        spread = share.reshape(1, -1, 1, 1)
    elif groups == len(share) == len(weights):
        spread = share.reshape(-1, 1, 1, 1)
    else:
        return False
    # Under a name of its own: another node may use the same weights.
    user.input[1] = f"{user.output[0]}_scaled"
    arrays[user.input[1]] = (weights * spread).astype(np.float32)
    return True


def _per_channel(source: str, factor: npt.NDArray[np.float64], out: str, arrays: Arrays) -> Any:
    """``source`` times one number per channel, as a convolution."""
    weights = f"{out}_factor"
    arrays[weights] = factor.reshape(-1, 1, 1, 1).astype(np.float32)
    return _node("Conv", [source, weights], out, group=len(factor), kernel_shape=[1, 1])


def _node(kind: str, inputs: list[str], out: str, **settings: Any) -> Any:
    from onnx import helper  # noqa: PLC0415

    return helper.make_node(kind, inputs, [out], **settings)


def _keep_real_inputs(graph: Any, arrays: Arrays) -> None:
    real = [i for i in graph.input if i.name in ("data", "input") and i.name not in arrays]
    if len(real) != 1:
        raise ModelSourceError(f"graph has {len(real)} picture inputs, expected one")
    del graph.input[:]
    graph.input.extend(real)


def _free_sizes(graph: Any) -> None:
    del graph.value_info[:]
    is_detector = graph.input[0].name == "input"
    for axis, name in {0: "N", 2: "H", 3: "W"}.items() if is_detector else {0: "N"}.items():
        size = graph.input[0].type.tensor_type.shape.dim[axis]
        size.ClearField("dim_value")
        size.dim_param = name
    for index, output in enumerate(graph.output):
        for axis, size in enumerate(output.type.tensor_type.shape.dim[:2]):
            size.ClearField("dim_value")
            size.dim_param = f"out{index}_{axis}" if axis or is_detector else "N"


def _canonical_mesh(data: bytes) -> bytes:
    """The canonical metric face inside the landmarker's bundle, as a (468, 3) .npy in mm."""
    with zipfile.ZipFile(io.BytesIO(data)) as bundle:
        message = _geometry_message()
        message.ParseFromString(bundle.read(_MESH_MEMBER))
    numbers = np.asarray(message.canonical_mesh.vertex_buffer, np.float32)
    if numbers.size != _MESH_POINTS * _VERTEX_NUMBERS:
        raise ModelSourceError(f"canonical mesh has {numbers.size} numbers, expected 2340")
    out = io.BytesIO()
    np.save(out, numbers.reshape(_MESH_POINTS, _VERTEX_NUMBERS)[:, :3] * np.float32(10.0))
    return out.getvalue()


def _geometry_message() -> Any:
    """The two fields we read of MediaPipe's GeometryPipelineMetadata, as a protobuf class."""
    from google.protobuf import (  # noqa: PLC0415  # comes with onnx
        descriptor_pb2,
        descriptor_pool,
        message_factory,
    )

    file = descriptor_pb2.FileDescriptorProto(name="face_geometry.proto", package="yibao")
    mesh = file.message_type.add(name="Mesh3d")
    kind = descriptor_pb2.FieldDescriptorProto
    mesh.field.add(name="vertex_buffer", number=3, type=kind.TYPE_FLOAT, label=kind.LABEL_REPEATED)
    pipeline = file.message_type.add(name="Pipeline")
    pipeline.field.add(
        name="canonical_mesh",
        number=1,
        type=kind.TYPE_MESSAGE,
        label=kind.LABEL_OPTIONAL,
        type_name=".yibao.Mesh3d",
    )
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    found = pool.FindMessageTypeByName("yibao.Pipeline")
    return message_factory.GetMessageClass(found)()


_STEPS: dict[str, Callable[[bytes], bytes]] = {
    "none": _same,
    "fold-onnx": _fold,
    "canonical-mesh": _canonical_mesh,
}
