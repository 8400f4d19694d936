"""Maps of where a student looks, in torch: what the engine's own maps are held against. All are [N, rows, columns] or [N, classes, rows, columns]."""
from __future__ import annotations

import contextlib

import torch

import quantise
from model import VisionTransformer


@torch.no_grad()
def shares(model: VisionTransformer, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The exact share of every patch in every logit of a model that takes the mean of its patches, and what is no patch's: [N, classes, rows, columns] and
    [N, classes]. The final norm's statistics are held as the image has them, and so is the rounding of the head's input, which goes to the second value.

    With m the mean over T patches of the tokens x, its norm is ((m - mean(m)) t) gamma + beta; mean(m) is the mean over patches of mean(x). So patch p has
    (1 / T) sum over k of w[k] gamma[k] t (x[p, k] - mean(x[p])).
    """
    tokens = model.tokens(images)[:, 1:].double()
    norm, side = model.fc_norm, model.architecture.image // model.architecture.patch
    mean = tokens.mean(dim=1)
    rate = 1 / torch.sqrt(mean.var(dim=1, unbiased=False) + norm.eps)
    weight = model.head.effective_weight().detach().double() * norm.weight.double()
    found = torch.einsum("npk,ck->ncp", tokens - tokens.mean(dim=2, keepdim=True), weight) * rate[:, None, None] / tokens.shape[1]
    base = model(images).double() - found.sum(dim=2)
    return found.reshape(len(images), -1, side, side).float(), base.float()


def label_maps(found: torch.Tensor) -> torch.Tensor:
    """Of shares [N, classes, rows, columns] those of each class less the mean of all others': the map that results show for a label of a softmax, whose score hangs on
    that difference."""
    count = found.shape[1]
    return found - (found.sum(dim=1, keepdim=True) - found) / (count - 1)


@contextlib.contextmanager
def kept_attention(found: list[torch.Tensor]):
    """Collects the attention weights [B, heads, T, T] of every layer that runs inside, by the value matrix of one-hot tokens: whatever arithmetic the mode has."""
    import model as students

    original = quantise.attention

    def keeping(q, k, v, **settings):
        count = v.shape[-2]
        ones = torch.eye(count).expand(*v.shape[:-2], count, count)
        found.append(original(q, k, ones, **settings).detach())
        return original(q, k, v, **settings)

    students.attention = keeping
    try:
        yield
    finally:
        students.attention = original


@torch.no_grad()
def rollout(model: VisionTransformer, images: torch.Tensor) -> torch.Tensor:
    """Attention rollout: half of the mean over heads and half of the identity, layer times layer; of what the head reads, the rows of all patches or of
    the class token. One map for all classes, [N, rows, columns]. Source: Abnar and Zuidema 2020, arXiv:2005.00928, section 3."""
    layers: list[torch.Tensor] = []
    with kept_attention(layers):
        model(images)
    identity = torch.eye(layers[0].shape[-1])
    joined = identity.expand(len(images), -1, -1)
    for layer in layers:
        joined = (0.5 * layer.mean(dim=1) + 0.5 * identity) @ joined
    read = joined[:, 1:].mean(dim=1) if model.architecture.pool == "mean" else joined[:, 0]
    side = model.architecture.image // model.architecture.patch
    return read[:, 1:].reshape(len(images), side, side)


def gradients(model: VisionTransformer, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Of every patch and class: the sum of the magnitudes of the logit's gradient by the prepared input (Simonyan et al. 2013, arXiv:1312.6034), and the sum
    of gradient times input. Both [N, classes, rows, columns]. Rounding passes gradients straight through."""
    a = model.architecture
    side = a.image // a.patch
    magnitudes, products = [], []
    for index in range(a.classes):
        inputs = images.clone().requires_grad_(True)
        with smooth():
            gradient, = torch.autograd.grad(model(inputs)[:, index].sum(), inputs)
        for value, found in ((gradient.abs(), magnitudes), (gradient * images, products)):
            patches = value.reshape(len(images), a.channels, side, a.patch, side, a.patch)
            found.append(patches.sum(dim=(1, 3, 5)))
    return torch.stack(magnitudes, dim=1), torch.stack(products, dim=1)


@contextlib.contextmanager
def smooth():
    """GELU and attention whose derivatives are those of the functions, as in training: the engine's polynomials bend elsewhere by design."""
    import model as students

    gelu, attention = students.gelu, students.attention
    students.gelu = lambda x, quantised, training: gelu(x, quantised=quantised, training=True)
    students.attention = lambda q, k, v, quantised, training: attention(q, k, v, quantised=quantised, training=True)
    try:
        yield
    finally:
        students.gelu, students.attention = gelu, attention
