"""Vision Transformer with the parameter names of timm's `VisionTransformer` and quantisable linear layers."""
from __future__ import annotations

from dataclasses import asdict, dataclass

import torch
import torch.nn as nn
import torch.nn.functional as F

from quantise import Linear, attention


@dataclass
class Architecture:
    """Shape of the student. Tokens T = (image / patch)^2, plus one class token."""

    image: int = 28
    patch: int = 4
    channels: int = 1
    width: int = 128
    depth: int = 5
    heads: int = 2
    mlp_ratio: int = 4
    classes: int = 2
    epsilon: float = 1e-6
    pool: str = "class"

    @property
    def tokens(self) -> int:
        return (self.image // self.patch) ** 2


def patches(images: torch.Tensor, patch: int) -> torch.Tensor:
    """N-10: [B, C, H, W] -> [B, H/P * W/P, C * P * P], column (c * P + y) * P + x."""
    b, c, h, w = images.shape
    x = images.reshape(b, c, h // patch, patch, w // patch, patch)
    return x.permute(0, 2, 4, 1, 3, 5).reshape(b, (h // patch) * (w // patch), c * patch * patch)


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
        self.heads = a.heads
        self.qkv = Linear(a.width, 3 * a.width)
        self.proj = Linear(a.width, a.width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        b, t, c = x.shape
        q, k, v = self.qkv(x).reshape(b, t, 3, self.heads, c // self.heads).permute(2, 0, 3, 1, 4)
        x = attention(q, k, v, quantised=self.qkv.mode != "float")
        return self.proj(x.transpose(1, 2).reshape(b, t, c))


class Mlp(nn.Module):
    def __init__(self, a: Architecture):
        super().__init__()
        self.fc1 = Linear(a.width, a.width * a.mlp_ratio)
        self.fc2 = Linear(a.width * a.mlp_ratio, a.width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.fc2(F.gelu(self.fc1(x)))


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
        nn.init.normal_(self.cls_token, std=0.02)
        nn.init.normal_(self.pos_embed, std=0.02)
        for module in self.modules():
            if isinstance(module, Linear):
                nn.init.trunc_normal_(module.weight, std=0.02 if module is self.head else module.in_features ** -0.5)
                nn.init.zeros_(module.bias)

    def features(self, images: torch.Tensor) -> torch.Tensor:
        """The normalised vector [B, width] that the head reads."""
        x = self.patch_embed(images)
        x = torch.cat([self.cls_token.expand(x.shape[0], -1, -1), x], dim=1) + self.pos_embed
        for block in self.blocks:
            x = block(x)
        if self.architecture.pool == "mean":
            return self.fc_norm(x[:, 1:].mean(dim=1))  # as timm: the class token is left out
        return self.norm(x[:, 0])

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.head(self.features(images))

    def linears(self) -> dict[str, Linear]:
        """Every quantised layer by name, in forward order."""
        return {name: module for name, module in self.named_modules() if isinstance(module, Linear)}

    def set_mode(self, mode: str, levels: int = 63, share: float = 1.0, snapped: bool = False) -> "VisionTransformer":
        """Switches all linear layers (and with them attention) to `float`, `ternary` or `int8`."""
        for layer in self.linears().values():
            layer.mode, layer.levels, layer.share, layer.snapped = mode, levels, share, snapped
        return self

    def set_drop(self, largest: float) -> None:
        """Stochastic depth rising linearly to `largest` in the last block."""
        for index, block in enumerate(self.blocks):
            block.drop = largest * index / max(1, len(self.blocks) - 1)

    def description(self) -> dict:
        return asdict(self.architecture)
