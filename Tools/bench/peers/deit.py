"""DeiT-Tiny and DeiT-Small at 224 px with seeded weights, spelled as timm spells them.

Touvron et al. 2021, arXiv:2012.12877, table 1. The same state dictionary loads into timm's `deit_tiny_patch16_224` and
`deit_small_patch16_224` and gives the same outputs; timm is not needed here because its import needs torchvision.
"""
import torch
from torch import nn

WIDTHS = {"tiny": 192, "small": 384}
DEPTH, HEAD_WIDTH, PATCH, SIDE, CLASSES = 12, 64, 16, 224, 1000
TOKENS = (SIDE // PATCH) ** 2 + 1
SEED = 20250101


class PatchEmbedding(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.proj = nn.Conv2d(3, width, PATCH, stride=PATCH)

    def forward(self, image):
        return self.proj(image).flatten(2).transpose(1, 2)


class Attention(nn.Module):
    # Another spelling of the same function, for pnnx: ncnn has a layer for this one and none for unbind.
    is_split = False

    def __init__(self, width):
        super().__init__()
        self.heads = width // HEAD_WIDTH
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)

    def forward(self, x):
        if self.is_split:
            parts = (part.reshape(1, TOKENS, self.heads, HEAD_WIDTH).transpose(1, 2) for part in self.qkv(x).chunk(3, dim=-1))
            mixed = nn.functional.scaled_dot_product_attention(*parts)
            return self.proj(mixed.transpose(1, 2).reshape(1, TOKENS, self.heads * HEAD_WIDTH))
        # Constants, not x.shape: pnnx cannot follow a shape through reshape.
        q, k, v = self.qkv(x).reshape(1, TOKENS, 3, self.heads, HEAD_WIDTH).permute(2, 0, 3, 1, 4).unbind(0)
        weights = ((q * HEAD_WIDTH ** -0.5) @ k.transpose(-2, -1)).softmax(dim=-1)
        return self.proj((weights @ v).transpose(1, 2).reshape(1, TOKENS, self.heads * HEAD_WIDTH))


class MLP(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.fc1, self.act, self.fc2 = nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width)

    def forward(self, x):
        return self.fc2(self.act(self.fc1(x)))


class Block(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.norm1, self.attn = nn.LayerNorm(width, eps=1e-6), Attention(width)
        self.norm2, self.mlp = nn.LayerNorm(width, eps=1e-6), MLP(width)

    def forward(self, x):
        x = x + self.attn(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class DeiT(nn.Module):
    """image [1, 3, 224, 224] -> logits [1, 1000]."""

    def __init__(self, width):
        super().__init__()
        self.cls_token = nn.Parameter(torch.zeros(1, 1, width))
        self.pos_embed = nn.Parameter(torch.zeros(1, TOKENS, width))
        self.patch_embed = PatchEmbedding(width)
        self.blocks = nn.Sequential(*(Block(width) for _ in range(DEPTH)))
        self.norm = nn.LayerNorm(width, eps=1e-6)
        self.head = nn.Linear(width, CLASSES)

    def forward(self, image):
        x = torch.cat([self.cls_token, self.patch_embed(image)], dim=1) + self.pos_embed
        return self.head(self.norm(self.blocks(x))[:, 0])


def seeded(name):
    """The model with weights from one seed: normal with deviation 0.02 as DeiT starts its training, gains and biases spread a little."""
    generator = torch.Generator().manual_seed(SEED)
    model = DeiT(WIDTHS[name]).eval()
    with torch.no_grad():
        for key, value in model.named_parameters():
            noise = torch.randn(value.shape, generator=generator)
            if "norm" in key and key.endswith("weight"):
                value.copy_(1 + 0.1 * noise)
            else:
                value.copy_(noise * (0.02 if value.ndim == 1 else 0.04))
    return model


def snapped(model):
    """A copy whose weight matrices are ternary: -g, 0 or g with g the mean magnitude (absmean, arXiv:2402.17764, section 2)."""
    copy = type(model)(model.norm.weight.numel()).eval()
    state = model.state_dict()
    for key, value in state.items():
        if value.ndim in (2, 4):
            scale = value.abs().mean()
            state[key] = (value / scale).round().clamp(-1, 1) * scale
    copy.load_state_dict(state)
    return copy


def images(count):
    """Seeded prepared images [count, 3, 224, 224]: smooth fields with some noise, mean 0 and deviation about 1 as after normalisation."""
    generator = torch.Generator().manual_seed(SEED + 1)
    coarse = torch.randn(count, 3, 14, 14, generator=generator)
    smooth = nn.functional.interpolate(coarse, size=(SIDE, SIDE), mode="bicubic", align_corners=False)
    return (smooth + 0.3 * torch.randn(count, 3, SIDE, SIDE, generator=generator)).clamp(-2.2, 2.6)
