#!/usr/bin/env python3
"""Maps of other methods for the images that `tern explain --evaluate` measures: attention rollout, input-gradient, gradient times input, and the shares of
the float student, from the checkpoint in torch.

Example:
    tern explain --evaluate Models/breast28/breast28.tern --data Models/breast28/samples --prepared build/inputs.f32
    python3 Tools/train/explain_baselines.py --model Models/breast28 --inputs build/inputs.f32 --out build/baselines.npz
    tern explain --evaluate Models/breast28/breast28.tern --data Models/breast28/samples --baselines build/baselines.npz

The methods are those of the fake-quantised student (--kind ternary or int8), whose outputs go with them so that `tern explain` sees that both mean the same
model and images. A model of another origin takes part with any .npz of the same form: Tools/TernEvaluation/README.md.
"""
from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parent))

import engine  # noqa: E402
import explain_maps  # noqa: E402
import export  # noqa: E402
from model import VisionTransformer  # noqa: E402

KINDS = ("ternary", "int8")


def prepared(path: Path, model: VisionTransformer) -> torch.Tensor:
    """The prepared inputs [N, C, H, W] that `tern explain --prepared` wrote."""
    a = model.architecture
    values = np.fromfile(path, dtype="<f4")
    if values.size == 0 or values.size % (a.channels * a.image * a.image):
        raise SystemExit(f"{path} holds {values.size} values, no multiple of {a.channels} x {a.image} x {a.image}")
    return torch.from_numpy(values.reshape(-1, a.channels, a.image, a.image))


def students(folder: Path, kind: str) -> tuple[VisionTransformer, VisionTransformer]:
    """The fake-quantised student of `kind`, and the float student."""
    def load(which: str) -> VisionTransformer:
        description = json.loads((folder / f"description-{which}.json").read_text())
        return export.load(description, folder / "checkpoint" / engine.CHECKPOINTS[which]).requires_grad_(False)

    return load(kind).set_mode(kind, export.LEVELS[kind], snapped=kind == "ternary"), load("int8").set_mode("float")


def baselines(model: VisionTransformer, plain: VisionTransformer, images: torch.Tensor, only: tuple[str, ...] | None = None,
              batch: int = 32) -> dict[str, np.ndarray]:
    """`outputs` and the maps of every method, or of those in `only`, for `images` [N, C, H, W], as `tern explain --baselines` takes them."""
    parts = []
    for some in images.split(batch):
        with torch.no_grad():
            outputs = model(some)
        found = {"outputs": outputs}
        if only is None:
            magnitudes, products = explain_maps.gradients(model, some)
            found |= {"attention rollout": explain_maps.rollout(model, some), "input-gradient": magnitudes, "gradient times input": products}
        if plain.architecture.pool == "mean":
            found["float student"] = explain_maps.label_maps(explain_maps.shares(plain, some)[0])
        parts.append(found)
    return {name: torch.cat([part[name] for part in parts]).numpy().astype("<f4") for name in parts[0]}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True, help="folder with checkpoint/ and description-*.json")
    parser.add_argument("--kind", choices=KINDS, default="ternary", help="whose methods (default: ternary)")
    parser.add_argument("--inputs", type=Path, required=True, help="prepared inputs, from tern explain --prepared")
    parser.add_argument("--out", type=Path, required=True, help="archive to write")
    parser.add_argument("--threads", type=int, default=1, help="CPU threads (default: 1)")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    model, plain = students(options.model, options.kind)
    np.savez(options.out, **baselines(model, plain, prepared(options.inputs, model)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
