#!/usr/bin/env python3
"""Makes the checkpoints of the converter's tests and what PyTorch computes with them.

    python3 Tests/Vectors/TernConvert/generate.py

Every case is NAME.safetensors, NAME.json (its description) and NAME.expected.safetensors with `inputs` [2, C, H, W] and `outputs` [2, N] of
timm in evaluation mode. Models are tiny and seeded. Hugging Face spellings are the same timm model under other names, as the table of the
project's converter has them. Needs the packages of requirements.txt beside this file.
"""
import json
from pathlib import Path

import torch
from safetensors.torch import save_file
from timm.layers import resample_abs_pos_embed
from timm.models.deit import VisionTransformerDistilled
from timm.models.vision_transformer import VisionTransformer

HERE = Path(__file__).resolve().parent
TINY = dict(img_size=16, patch_size=4, in_chans=3, num_classes=3, embed_dim=32, depth=2, num_heads=2, mlp_ratio=2)


def seeded(model: torch.nn.Module, seed: int) -> torch.nn.Module:
    """Random parameters with realistic spreads, so that attention is not uniform and norms are not plain."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            noise = torch.randn(parameter.shape, generator=generator)
            if name.endswith("gamma"):
                parameter.copy_(0.5 * noise + 0.3 * noise.sign())
            elif "norm" in name and name.endswith("weight"):
                parameter.copy_(1 + 0.3 * noise)
            elif name.endswith("bias"):
                parameter.copy_(0.1 * noise)
            elif parameter.dim() >= 2 and name.endswith("weight"):
                parameter.copy_(noise * 1.5 / parameter[0].numel() ** 0.5)
            else:
                parameter.copy_(0.5 * noise)
    return model.eval()


def description(name: str, heads: int, options: dict, **architecture) -> dict:
    size, channels = options["img_size"], options["in_chans"]
    return {
        "name": name, "version": "1.0.0",
        "architecture": {"heads": heads, "layerNormEpsilon": 1e-6, "pool": "class", "activationLevels": 127, "image": size,
                         "patch": options["patch_size"], "channels": channels, **architecture},
        "input": {"modality": "", "width": size, "height": size, "channels": channels, "crop": "stretch", "filter": "bicubic",
                  "mean": [0.5] * channels, "std": [0.5] * channels},
        "output": {"activation": "softmax", "temperature": 1.0, "calibrated": False},
        "labels": [{"name": "first", "index": 0, "report": True}],
        "card": {"intendedUse": "Test of the converter."},
    }


def write(name: str, model, tensors: dict, facts: dict, size: int, channels: int, run=None) -> None:
    generator = torch.Generator().manual_seed(7)
    inputs = torch.randn(2, channels, size, size, generator=generator)
    with torch.no_grad():
        outputs = (run or model)(inputs)
    save_file({key: value.detach().contiguous() for key, value in tensors.items()}, str(HERE / f"{name}.safetensors"))
    save_file({"inputs": inputs.contiguous(), "outputs": outputs.contiguous()}, str(HERE / f"{name}.expected.safetensors"))
    (HERE / f"{name}.json").write_text(json.dumps(facts, indent=1) + "\n")


def hugging_face(tensors: dict, is_new: bool) -> dict:
    """timm names to those of transformers' ViT before (`encoder.layer`) and since version 5 (`layers`)."""
    old = {"norm1": "layernorm_before", "norm2": "layernorm_after", "attn.proj": "attention.output.dense", "mlp.fc1": "intermediate.dense",
           "mlp.fc2": "output.dense", "q": "attention.attention.query", "k": "attention.attention.key", "v": "attention.attention.value"}
    new = {"norm1": "layernorm_before", "norm2": "layernorm_after", "attn.proj": "attention.o_proj", "mlp.fc1": "mlp.fc1",
           "mlp.fc2": "mlp.fc2", "q": "attention.q_proj", "k": "attention.k_proj", "v": "attention.v_proj"}
    table, prefix = (new, "vit.layers.") if is_new else (old, "vit.encoder.layer.")
    top = {"cls_token": "vit.embeddings.cls_token", "pos_embed": "vit.embeddings.position_embeddings",
           "patch_embed.proj": "vit.embeddings.patch_embeddings.projection", "norm": "vit.layernorm", "head": "classifier"}
    result = {}
    for name, value in tensors.items():
        if not name.startswith("blocks."):
            stem, dot, leaf = name.rpartition(".")
            result[top[name] if name in top else top[stem] + dot + leaf] = value
            continue
        _, index, rest = name.split(".", 2)
        stem, leaf = rest.rsplit(".", 1)
        if stem == "attn.qkv":
            for part, piece in zip("qkv", value.chunk(3)):
                result[f"{prefix}{index}.{table[part]}.{leaf}"] = piece.clone()
        else:
            result[f"{prefix}{index}.{table[stem]}.{leaf}"] = value
    return result


class MultiQuery(torch.nn.Module):
    """timm's attention with one key/value head for all query heads."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads, self.head_width = heads, width // heads
        self.qkv = torch.nn.Linear(width, width + 2 * self.head_width)
        self.proj = torch.nn.Linear(width, width)

    def forward(self, x, **_):
        batch, tokens, width = x.shape
        q, k, v = self.qkv(x).split([width, self.head_width, self.head_width], dim=-1)
        q = q.reshape(batch, tokens, self.heads, self.head_width).transpose(1, 2)
        weights = (q @ k[:, None].transpose(-1, -2) * self.head_width ** -0.5).softmax(-1)
        return self.proj((weights @ v[:, None]).transpose(1, 2).reshape(batch, tokens, width))


def ternary(tensors: dict) -> dict:
    """Every row of every weight matrix as -g, 0, +g."""
    result = {}
    for name, value in tensors.items():
        if name.endswith("weight") and value.dim() >= 2:
            rows = value.flatten(1)
            scale = rows.abs().mean(1, keepdim=True)
            value = ((rows / scale).round().clamp(-1, 1) * scale).reshape(value.shape)
        result[name] = value.clone()
    return result


def main() -> None:
    plain = seeded(VisionTransformer(**TINY), 1)
    state = plain.state_dict()
    write("vit", plain, state, description("vit", 2, TINY), 16, 3)
    write("vit-hf4", plain, hugging_face(state, False), description("vit-hf4", 2, TINY), 16, 3)
    write("vit-hf5", plain, hugging_face(state, True), description("vit-hf5", 2, TINY), 16, 3)
    write("vit-bf16", seeded(VisionTransformer(**TINY), 1).bfloat16().float(), {k: v.bfloat16() for k, v in state.items()},
          description("vit-bf16", 2, TINY), 16, 3)

    snapped = VisionTransformer(**TINY)
    snapped.load_state_dict(ternary(state))
    write("vit-ternary", snapped.eval(), snapped.state_dict(), description("vit-ternary", 2, TINY, activationLevels=63), 16, 3)

    distilled = seeded(VisionTransformerDistilled(**TINY), 2)
    write("deit", distilled, distilled.state_dict(), description("deit", 2, TINY, distilled=True), 16, 3)

    grey = dict(TINY, in_chans=1)
    pooled = seeded(VisionTransformer(**grey, global_pool="avg"), 3)
    write("vit-mean", pooled, pooled.state_dict(), description("vit-mean", 2, grey, pool="mean"), 16, 1)

    features = dict(img_size=28, patch_size=14, in_chans=1, num_classes=0, embed_dim=32, depth=2, num_heads=2, mlp_ratio=2)
    dino = seeded(VisionTransformer(**features, init_values=1.0, reg_tokens=3, no_embed_class=True), 4)
    facts = description("dino", 2, features, head="none", registers=3)
    facts["output"]["activation"], facts["labels"] = "none", []
    write("dino", dino, dino.state_dict(), facts, 28, 1)

    query = VisionTransformer(**TINY)
    for block in query.blocks:
        block.attn = MultiQuery(32, 2)
    query = seeded(query, 5)
    write("vit-mqa", query, query.state_dict(), description("vit-mqa", 2, TINY, kvHeads=1), 16, 3)

    larger = VisionTransformer(**dict(TINY, img_size=24))
    resized = {**state, "pos_embed": resample_abs_pos_embed(state["pos_embed"], new_size=[6, 6], num_prefix_tokens=1)}
    larger.load_state_dict(resized)
    write("vit-resized", larger.eval(), state, description("vit-resized", 2, dict(TINY, img_size=24)), 24, 3)
    smaller = VisionTransformer(**dict(TINY, img_size=12))
    smaller.load_state_dict({**state, "pos_embed": resample_abs_pos_embed(state["pos_embed"], new_size=[3, 3], num_prefix_tokens=1)})
    write("vit-reduced", smaller.eval(), state, description("vit-reduced", 2, dict(TINY, img_size=12)), 12, 3)


if __name__ == "__main__":
    main()
