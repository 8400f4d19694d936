"""Vision Transformer with the parameter names of timm's `VisionTransformer` and quantisable linear layers."""
from __future__ import annotations

import math
from dataclasses import asdict, dataclass

import torch
import torch.nn as nn
import torch.nn.functional as F

from quantise import Linear, attention, gelu


@dataclass
class Architecture:
    """Shape of the student. Tokens T = (image / patch)^2, plus one class token."""

    image: int = 28
    patch: int = 4
    channels: int = 1
    width: int = 128
    depth: int = 5
    heads: int = 2
    kv_heads: int = 0      # heads of keys and values, 0: as many as `heads` (multi-head), 1: multi-query
    mlp_ratio: int = 4
    classes: int = 2
    epsilon: float = 1e-6
    pool: str = "class"
    mimetic: bool = True   # start attention and positions as trained networks have them

    @property
    def tokens(self) -> int:
        return (self.image // self.patch) ** 2


def patches(images: torch.Tensor, patch: int) -> torch.Tensor:
    """N-10: [B, C, H, W] -> [B, H/P * W/P, C * P * P], column (c * P + y) * P + x."""
    b, c, h, w = images.shape
    x = images.reshape(b, c, h // patch, patch, w // patch, patch)
    return x.permute(0, 2, 4, 1, 3, 5).reshape(b, (h // patch) * (w // patch), c * patch * patch)


POSITION_SCALE = 0.3


def sinusoids(side: int, width: int) -> torch.Tensor:
    """Sines and cosines of the two coordinates of a side x side grid: [side^2, width], width a multiple of 4."""
    y, x = torch.meshgrid(torch.arange(side).float(), torch.arange(side).float(), indexing="ij")
    rates = 100.0 ** (-torch.arange(width // 4) / (width / 4))
    return torch.cat([wave(place.flatten()[:, None] * rates) for place in (x, y) for wave in (torch.sin, torch.cos)], dim=1)


class PatchProjection(Linear):
    """Patch embedding as a linear layer; the weight keeps the convolution's shape [N, C, P, P]."""

    def __init__(self, channels: int, patch: int, width: int):
        super().__init__(channels * patch * patch, width)
        self.weight = nn.Parameter(self.weight.detach().reshape(width, channels, patch, patch))


class PatchEmbed(nn.Module):
    def __init__(self, a: Architecture):
        super().__init__()
        self.patch = a.patch
        self.proj = PatchProjection(a.channels, a.patch, a.width)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.proj(patches(images, self.patch))


class Attention(nn.Module):
    def __init__(self, a: Architecture):
        super().__init__()
        self.heads, self.kv_heads = a.heads, a.kv_heads or a.heads
        self.head_width = a.width // a.heads
        self.qkv = Linear(a.width, (self.heads + 2 * self.kv_heads) * self.head_width)
        self.proj = Linear(a.width, a.width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        b, t, c = x.shape
        x = self.qkv(x).reshape(b, t, -1, self.head_width).transpose(1, 2)
        q, k, v = x.split([self.heads, self.kv_heads, self.kv_heads], dim=1)
        if self.kv_heads < self.heads:
            k, v = (part.repeat_interleave(self.heads // self.kv_heads, dim=1) for part in (k, v))
        x = attention(q, k, v, quantised=self.qkv.mode != "float", training=self.training)
        return self.proj(x.transpose(1, 2).reshape(b, t, c))


    @torch.no_grad()
    def start(self) -> None:
        """Attention that begins local and outputs that begin near minus their inputs, as trained networks have them: the
        mimetic initialisation of Trockman & Kolter 2023 (arXiv:2305.09828), which small data sets need most."""
        width, part, keys = self.proj.in_features, self.head_width, self.kv_heads * self.head_width
        identity = torch.eye(width)

        def noise() -> torch.Tensor:
            return torch.randn(width, width) / width ** 0.5

        for head in range(self.heads):
            left, values, right = torch.linalg.svd(0.7 * noise() + 0.7 * identity)
            root = values[:part].sqrt() * 0.6
            self.qkv.weight[head * part:(head + 1) * part] = (left[:, :part] * root).T
            if head < self.kv_heads:
                self.qkv.weight[width + head * part:width + (head + 1) * part] = (right[:part].T * root).T
        if keys == width:
            left, values, right = torch.linalg.svd(0.4 * noise() - 0.4 * identity)
            self.qkv.weight[2 * width:] = right * values.sqrt()[:, None]
            self.proj.weight.copy_(left * values.sqrt())


class Mlp(nn.Module):
    def __init__(self, a: Architecture):
        super().__init__()
        self.fc1 = Linear(a.width, a.width * a.mlp_ratio)
        self.fc2 = Linear(a.width * a.mlp_ratio, a.width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.fc2(gelu(self.fc1(x), quantised=self.fc1.mode != "float", training=self.training))


class Block(nn.Module):
    drop = 0.0  # probability of leaving out a branch of one image in training (stochastic depth)

    def __init__(self, a: Architecture):
        super().__init__()
        self.norm1 = nn.LayerNorm(a.width, eps=a.epsilon)
        self.attn = Attention(a)
        self.norm2 = nn.LayerNorm(a.width, eps=a.epsilon)
        self.mlp = Mlp(a)

    def _branch(self, y: torch.Tensor) -> torch.Tensor:
        if not self.training or self.drop == 0:
            return y
        keep = torch.rand(y.shape[0], 1, 1, device=y.device) >= self.drop
        return y * keep / (1 - self.drop)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x + self._branch(self.attn(self.norm1(x)))
        return x + self._branch(self.mlp(self.norm2(x)))


class VisionTransformer(nn.Module):
    """Images [B, C, H, W] normalised float -> logits [B, classes]."""

    def __init__(self, a: Architecture):
        super().__init__()
        self.architecture = a
        self.patch_embed = PatchEmbed(a)
        self.cls_token = nn.Parameter(torch.zeros(1, 1, a.width))
        self.pos_embed = nn.Parameter(torch.zeros(1, 1 + a.tokens, a.width))
        self.blocks = nn.ModuleList(Block(a) for _ in range(a.depth))
        final = nn.LayerNorm(a.width, eps=a.epsilon)
        if a.pool == "mean":
            self.fc_norm = final
        else:
            self.norm = final
        self.head = Linear(a.width, a.classes)
        for module in self.modules():
            if isinstance(module, Linear):
                nn.init.trunc_normal_(module.weight, std=0.02 if module is self.head else module.in_features ** -0.5)
                nn.init.zeros_(module.bias)
        nn.init.normal_(self.cls_token, std=0.02)
        with torch.no_grad():
            if a.mimetic:
                self.pos_embed[0, 1:] = POSITION_SCALE * sinusoids(a.image // a.patch, a.width)
            else:
                nn.init.normal_(self.pos_embed, std=0.02)
            for block in self.blocks:
                if a.mimetic:
                    block.attn.start()

    @torch.no_grad()
    def adopt(self, state: dict[str, torch.Tensor], patch: int) -> None:
        """Starts from the weights `state` of a model of the same width and heads, other image, `patch`, channels or classes.

        Patch filters are resized and spread over the channels with their sums kept, patch positions resized, blocks taken in order
        as far as there are; the head stays as it is.
        """
        a = self.architecture
        own = self.state_dict()
        for name, value in state.items():
            if name in own and own[name].shape == value.shape and not name.startswith(("head.", "patch_embed.proj.weight", "pos_embed")):
                own[name].copy_(value)
        filters = F.interpolate(state["patch_embed.proj.weight"].mean(1, keepdim=True), (a.patch, a.patch), mode="bicubic", align_corners=False)
        own["patch_embed.proj.weight"].copy_(filters.expand(-1, a.channels, -1, -1) * (patch / a.patch) ** 2 / a.channels)
        table = state["pos_embed"][:, 1:]
        before, after = math.isqrt(table.shape[1]), a.image // a.patch
        table = F.interpolate(table.reshape(1, before, before, -1).permute(0, 3, 1, 2), (after, after), mode="bicubic", align_corners=False)
        own["pos_embed"][:, 1:].copy_(table.permute(0, 2, 3, 1).flatten(1, 2))

    def tokens(self, images: torch.Tensor) -> torch.Tensor:
        """What the blocks make of the class token and the patches: [B, 1 + T, width]."""
        x = self.patch_embed(images)
        x = torch.cat([self.cls_token.expand(x.shape[0], -1, -1), x], dim=1) + self.pos_embed
        for block in self.blocks:
            x = block(x)
        return x

    def pooled(self, tokens: torch.Tensor) -> torch.Tensor:
        """The normalised vector [B, width] that the head reads, of `tokens` [B, 1 + T, width]."""
        if self.architecture.pool == "mean":
            return self.fc_norm(tokens[:, 1:].mean(dim=1))  # as timm: the class token is left out
        return self.norm(tokens[:, 0])

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.head(self.pooled(self.tokens(images)))

    def linears(self) -> dict[str, Linear]:
        """Every quantised layer by name, in forward order."""
        return {name: module for name, module in self.named_modules() if isinstance(module, Linear)}

    def set_mode(self, mode: str, levels: int = 63, share: float = 1.0, snapped: bool = False) -> "VisionTransformer":
        """Switches all linear layers (and with them attention) to `float`, `ternary`, `int8`, or `ternary-mlp`: INT8 but for
        ternary MLPs."""
        for name, layer in self.linears().items():
            own = mode if mode != "ternary-mlp" else "ternary" if ".mlp." in name else "int8"
            layer.mode, layer.levels, layer.share, layer.snapped = own, levels, share, snapped
        return self

    def set_drop(self, largest: float) -> None:
        """Stochastic depth rising linearly to `largest` in the last block."""
        for index, block in enumerate(self.blocks):
            block.drop = largest * index / max(1, len(self.blocks) - 1)

    def description(self) -> dict:
        return asdict(self.architecture)
