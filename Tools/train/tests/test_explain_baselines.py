"""Maps in torch, and the card's words about them."""
import copy
import json
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="maps of other methods need torch, which has no small wheel in every index")

import explain
import explain_baselines
import explain_card
import explain_maps
import explain_table
from model import Architecture, VisionTransformer

ROOT = Path(__file__).resolve().parents[3]


def student(pool: str = "mean", mode: str = "ternary", classes: int = 3) -> tuple[VisionTransformer, torch.Tensor]:
    torch.manual_seed(5)
    model = VisionTransformer(Architecture(image=12, patch=4, width=24, depth=2, heads=3, classes=classes, pool=pool)).eval().requires_grad_(False)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.05)
    return model.set_mode(mode), torch.randn(4, 1, 12, 12)


@pytest.mark.parametrize("mode", ["float", "ternary"])
def test_shares_are_the_gradient_of_the_held_head_times_the_tokens(mode):
    """With the norm's scale held the head is linear in the tokens: each token's share is its part of that function, found here by a backward pass."""
    model, images = student(mode=mode)
    found, base = explain_maps.shares(model, images)
    tokens = model.tokens(images)[:, 1:].double()
    norm = model.fc_norm
    mean = tokens.mean(dim=1)
    rate = 1 / torch.sqrt(mean.var(dim=1, unbiased=False, keepdim=True) + norm.eps)
    weight = model.head.effective_weight().double()
    variable = tokens.clone().requires_grad_(True)
    pooled = variable.mean(dim=1)
    logits = ((pooled - pooled.mean(dim=1, keepdim=True)) * rate * norm.weight.double()) @ weight.T
    for output in range(3):
        gradient, = torch.autograd.grad(logits[:, output].sum(), variable, retain_graph=True)
        assert torch.allclose(found[:, output].reshape(4, 9).double(), (gradient * tokens).sum(dim=2), atol=1e-6)
    assert torch.allclose(found.sum(dim=(2, 3)) + base, model(images), atol=1e-5)
    held = (norm.bias.double() @ weight.T + model.head.bias.double()).float()
    assert torch.allclose(base, held.expand_as(base), atol=1e-5 if mode == "float" else 0.1)


@pytest.mark.parametrize("pool", ["mean", "class"])
def test_rollout_is_the_product_of_the_layers(pool):
    model, images = student(pool, mode="float")
    layers = []
    with explain_maps.kept_attention(layers):
        model(images)
    assert len(layers) == 2 and torch.allclose(layers[0].sum(dim=-1), torch.ones(4, 3, 10), atol=1e-5)
    half = [0.5 * layer.mean(dim=1) + 0.5 * torch.eye(10) for layer in layers]
    joined = half[1] @ half[0]
    read = joined[:, 1:].mean(dim=1) if pool == "mean" else joined[:, 0]
    assert torch.allclose(explain_maps.rollout(model, images).reshape(4, 9), read[:, 1:], atol=1e-6)


def test_gradients_are_those_of_differences():
    model, images = student(mode="float")
    model = copy.deepcopy(model).double()
    magnitudes, products = explain_maps.gradients(model, images.double())
    assert magnitudes.shape == products.shape == (4, 3, 3, 3) and (magnitudes >= 0).all()
    # Patch (0, 2) of the first image, class 1, by central differences.
    step, expected, signed = 1e-5, 0.0, 0.0
    for row in range(4):
        for column in range(8, 12):
            up, down = images[:1].double().clone(), images[:1].double().clone()
            up[0, 0, row, column] += step
            down[0, 0, row, column] -= step
            slope = float((model(up) - model(down))[0, 1] / (2 * step))
            expected, signed = expected + abs(slope), signed + slope * float(images[0, 0, row, column])
    assert float(magnitudes[0, 1, 0, 2]) == pytest.approx(expected, rel=1e-4)
    assert float(products[0, 1, 0, 2]) == pytest.approx(signed, rel=1e-4, abs=1e-7)


def test_the_archive_holds_what_the_command_wants():
    model, images = student()
    plain = copy.deepcopy(model).set_mode("float")
    found = explain_baselines.baselines(model, plain, images, batch=3)
    assert found["outputs"].shape == (4, 3) and found["attention rollout"].shape == (4, 3, 3) and found["float student"].shape == (4, 3, 3, 3)
    assert {value.dtype.str for value in found.values()} == {"<f4"}
    assert torch.allclose(torch.from_numpy(found["outputs"]), model(images), atol=1e-6)


def test_a_map_that_fails_is_called_so_in_the_card(tmp_path):
    """Issue 7: a map that does not change when the weights are shuffled fails, and the card says it."""
    found = json.loads((ROOT / "Models/breast28/explain.json").read_text())
    (tmp_path / "seeds.json").write_text('{"shipped": {"float": 1, "ternary": 2}}')
    (tmp_path / "explain.json").write_text(json.dumps(found))
    assert "The map passes" in explain_card.chapter(tmp_path)
    found["test"]["ternary"]["shuffled"]["passes"] = False
    (tmp_path / "explain.json").write_text(explain.compact(found))
    assert "FAILS the limit" in explain_card.chapter(tmp_path)
    (tmp_path / "explain.json").unlink()
    assert explain_card.chapter(tmp_path) == ""


def test_the_page_has_the_table_of_the_figures():
    assert explain_table.table(ROOT / "Models") in (ROOT / "docs/maps.md").read_text()
