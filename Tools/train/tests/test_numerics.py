"""The fake-quantised and the reference arithmetic against integer re-computation written out here on its own."""
import math

import pytest

torch = pytest.importorskip("torch", reason="training needs torch, which has no small wheel in every index")

import export
import quantise
import reference
from model import Architecture, VisionTransformer, patches

TINY = Architecture(width=32, depth=2, heads=2, patch=7)


def random_model(seed: int, **changes) -> VisionTransformer:
    torch.manual_seed(seed)
    model = VisionTransformer(Architecture(**(TINY.__dict__ | changes)))
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.ndim == 1:
                parameter.add_(torch.randn_like(parameter) * 0.1)
    return model.eval()


def integer_row(row: list[float], levels: int) -> tuple[list[int], float]:
    """N-02 in plain Python; binary32 roundings through a one-element tensor."""
    single = lambda value: torch.tensor(value, dtype=torch.float32)
    a = max(abs(single(value)) for value in row)
    if a < 2.0 ** -100:
        return [0] * len(row), 0.0
    rate = single(float(levels)) / a
    return [int(torch.round(single(value) * rate)) for value in row], float(a / single(float(levels)))


@pytest.mark.parametrize("mode,levels", [("ternary", 63), ("ternary", 42), ("int8", 127)])
def test_linear_equals_integer_recomputation(mode, levels):
    torch.manual_seed(7)
    layer = quantise.Linear(37, 11)
    layer.mode, layer.levels = mode, levels
    x = torch.randn(5, 37)
    x[3] = 0
    codes, scale = layer.parts()
    assert codes.abs().max() == (1 if mode == "ternary" else 127)
    fake, engine = layer(x).detach(), reference.linear(x, layer)
    for i in range(5):
        q, s = integer_row(x[i].tolist(), levels)
        for n in range(11):
            total = sum(a * int(b) for a, b in zip(q, codes[n]))
            factor = torch.tensor(s, dtype=torch.float32) * scale[n]
            exact = torch.tensor(total * float(factor) + layer.bias[n].item(), dtype=torch.float32)
            assert engine[i, n] == exact
            # the fake path rounds K products and sums: K * 2^-24 of the largest partial sum bounds it
            assert abs(fake[i, n] - exact) <= 37 * 2 ** -23 * (abs(total * float(factor)) + 1)


def test_fma_rounds_once_where_binary64_lies_in_the_middle():
    # (1 + 2^-12)^2 is in the middle of two binary32 numbers; what is added decides, though binary64 cannot hold it.
    a = torch.full((5,), 1 + 2.0 ** -12)
    c = torch.tensor([2.0 ** -80, 0.0, -2.0 ** -80, 2.0 ** -60, 1.0])
    low, high = 1 + 2.0 ** -11, 1 + 2.0 ** -11 + 2.0 ** -23
    assert reference.fma(a, a, c).tolist() == [high, low, low, high, 2 + 2.0 ** -11]
    assert reference.fma(-a, a, -c).tolist() == [-high, -low, -low, -high, -2 - 2.0 ** -11]


def test_scales_follow_the_absmean_recipe():
    weight = torch.tensor([[1.0, -0.2, 0.1, 0.7], [4.0, 0.0, 0.0, 0.0]])
    codes, scale = quantise.ternary_parts(weight)
    assert torch.equal(scale, torch.tensor([0.5, 1.0]))
    assert codes.tolist() == [[1, 0, 0, 1], [1, 0, 0, 0]]


@pytest.mark.parametrize("training", [True, False])
def test_attention_equals_integer_recomputation(training):
    torch.manual_seed(3)
    q, k, v = torch.randn(3, 1, 2, 5, 16).unbind(0)
    engine, fake = reference.attention(q, k, v), quantise.attention(q, k, v, quantised=True, training=training)
    width = 16
    for head in range(2):
        queries = [integer_row(row.tolist(), 127) for row in q[0, head]]
        keys = [integer_row(row.tolist(), 127) for row in k[0, head]]
        values = [integer_row(column.tolist(), 127) for column in v[0, head].t()]
        for i, (qi, sq) in enumerate(queries):
            t = [sum(a * b for a, b in zip(qi, kj)) * sk for kj, sk in keys]
            u = [round(math.exp((value - max(t)) * sq / math.sqrt(width)) * 255) for value in t]
            for d, (column, sv) in enumerate(values):
                exact = sum(a * b for a, b in zip(u, column)) * sv / sum(u)
                assert engine[0, head, i, d] == pytest.approx(exact, rel=1e-5, abs=1e-6)
                assert fake[0, head, i, d].item() == pytest.approx(exact, rel=1e-5, abs=1e-6)


def test_gradients_pass_straight_through():
    x = torch.randn(4, 8, requires_grad=True)
    layer = quantise.Linear(8, 3)
    layer.mode = "ternary"
    layer(x).sum().backward()
    assert x.grad.abs().sum() > 0 and layer.weight.grad.abs().sum() > 0
    codes, scale = layer.parts()
    assert torch.allclose(x.grad, (codes * scale[:, None]).sum(0).expand(4, 8), atol=1e-6)


@pytest.mark.parametrize("pool", ["class", "mean"])
@pytest.mark.parametrize("mode,levels", [("ternary", 63), ("int8", 127)])
def test_model_agrees_with_the_reference(mode, levels, pool):
    model = random_model(1, pool=pool).set_mode(mode, levels)
    images = torch.rand(6, 1, 28, 28) * 2 - 1
    with torch.no_grad():
        difference = (model(images) - reference.infer(model, images)[0]).abs()
    # roundings at code boundaries may fall differently; one code is 1/63 of a row's largest activation
    assert difference.max() < 0.03 and difference.median() < 2e-3


def test_snapped_export_gives_the_same_logits():
    model = random_model(2).set_mode("ternary", 63)
    snapped = export.snap(model)
    assert 0.1 < export.check_snapped(snapped) < 0.6
    images = torch.rand(4, 1, 28, 28) * 2 - 1
    assert torch.equal(reference.infer(model, images)[0], reference.infer(snapped, images)[0])
    with pytest.raises(ValueError):
        export.check_snapped(model)


def test_gelu_and_exp2_keep_their_published_errors():
    x = torch.linspace(-8, 8, 20001)
    exact = x.double() * 0.5 * (1 + torch.erf(x.double() / math.sqrt(2)))
    assert (reference.gelu(x).double() - exact).abs().max() < 1.6e-4
    assert (quantise.gelu(x, quantised=True, training=False) - reference.gelu(x)).abs().max() < 1e-5
    assert torch.equal(quantise.gelu(x, quantised=True, training=True), torch.nn.functional.gelu(x))
    x = torch.linspace(-60, 0, 20001)
    relative = reference.exp2(x).double() / torch.exp2(x.double()) - 1
    assert relative.abs().max() < 2.3e-7


def test_layer_norm_and_sums():
    torch.manual_seed(5)
    norm = torch.nn.LayerNorm(37, eps=1e-6)
    x = torch.randn(3, 37)
    assert torch.allclose(reference.layer_norm(x, norm), norm(x), atol=1e-6)
    lanes = [0.0] * 16
    for index in range(37):
        lanes[index % 16] = float(torch.tensor(lanes[index % 16]) + x[0, index])
    for half in (8, 4, 2, 1):
        lanes = [float(torch.tensor(lanes[j]) + torch.tensor(lanes[j + half])) for j in range(half)]
    assert float(reference.sum16(x)[0]) == lanes[0]


def test_patches_are_in_the_order_of_the_contract():
    image = torch.arange(2 * 28 * 28, dtype=torch.float32).reshape(1, 2, 28, 28)
    rows = patches(image, 7)
    c, py, px, y, x = 1, 2, 3, 4, 5
    assert rows[0, py * 4 + px, (c * 7 + y) * 7 + x] == image[0, c, py * 7 + y, px * 7 + x]
    convolution = torch.nn.Conv2d(2, 8, 7, stride=7)
    through = rows @ convolution.weight.reshape(8, -1).t() + convolution.bias
    assert torch.allclose(convolution(image).flatten(2).transpose(1, 2), through, rtol=1e-4, atol=1e-2)


@pytest.mark.parametrize("pool", ["class", "mean"])
def test_names_are_those_of_timm(pool):
    try:
        import timm
    except (ImportError, RuntimeError) as error:  # timm imports torchvision, which refuses a torch it was not built for
        pytest.skip(f"timm cannot be imported: {error}")
    a = Architecture(pool=pool)
    other = timm.models.VisionTransformer(img_size=28, patch_size=4, in_chans=1, num_classes=2, embed_dim=a.width,
                                          depth=a.depth, num_heads=a.heads, global_pool="avg" if pool == "mean" else "token").eval()
    model = VisionTransformer(a).eval()
    other.load_state_dict(model.state_dict())
    images = torch.randn(2, 1, 28, 28)
    with torch.no_grad():
        assert torch.allclose(other(images), model(images), atol=1e-5)
