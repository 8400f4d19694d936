"""The engine's bits are the oracle's: every small checkpoint, converted in every way, by the command `tern` named in $TERN."""
import os
import struct
import subprocess
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

import numerics

VECTORS = Path(__file__).resolve().parents[1] / "Vectors" / "TernConvert"
TERN = os.environ.get("TERN", "")
FLOAT = ["vit", "deit", "vit-mean", "dino", "vit-mqa"]
WAYS = [(name, ["--weights", "int8"]) for name in FLOAT] + [(name, ["--weights", "int8", "--no-rotate"]) for name in FLOAT]
WAYS += [(name, ["--weights", "f32"]) for name in FLOAT]
WAYS += [("vit-ternary", ["--weights", "ternary", "--packing", packing]) for packing in ("t5", "t2")]
WAYS += [(name, ["--weights", weights, "--positions", "f16"]) for name, weights in (("vit", "int8"), ("vit-mean", "f32"), ("vit-ternary", "ternary"))]


@pytest.mark.skipif(not TERN, reason="TERN does not name the command tern")
@pytest.mark.parametrize("name,options", WAYS, ids=lambda value: value if isinstance(value, str) else "-".join(value).replace("--", ""))
def test_engine_gives_the_bits_of_the_oracle(name: str, options: list[str], tmp_path: Path) -> None:
    model = tmp_path / f"{name}.tern"
    subprocess.run([TERN, "convert", str(VECTORS / f"{name}.safetensors"), "-o", str(model), *options], check=True)
    assert struct.unpack_from("<HI", model.read_bytes(), 10) == ((2, 2) if "f16" in options else (0, 0))
    # The file's golden outputs are those of the engine's scalar table.
    assert numerics.check_golden(model)
    images = np.random.default_rng(3).normal(size=(2, int(np.prod(numerics.Model(model).shape)))).astype("<f4")
    images[1] *= np.float32(1e-3)
    images.tofile(tmp_path / "in.f32")
    subprocess.run([TERN, "run", str(model), "--input", str(tmp_path / "in.f32"), "-o", str(tmp_path / "out.f32")], check=True)
    found = np.fromfile(tmp_path / "out.f32", "<f4").reshape(2, -1)
    for image, output in zip(images, found):
        assert (numerics.Model(model).run(image).view(np.uint32) == output.view(np.uint32)).all()


@pytest.mark.parametrize("seed", [0, 1, 0x5445524E, 2 ** 64 - 1])
def test_generated_golden_inputs_follow_the_rule(seed: int) -> None:
    """Against Python's whole numbers, which do not wrap by themselves."""
    mask, found = 2 ** 64 - 1, numerics.generated(seed, 50)
    for index, value in enumerate(found):
        z = seed + (index + 1) * 0x9E3779B97F4A7C15 & mask
        z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9 & mask
        z = (z ^ z >> 27) * 0x94D049BB133111EB & mask
        z ^= z >> 31
        assert Fraction(float(value)) == Fraction(z >> 40, 2 ** 22) - 2


def test_fma_rounds_once() -> None:
    """Against exact rational arithmetic, with addends chosen to make ties and near ties."""
    generator = np.random.default_rng(1)
    a, b = (generator.normal(size=4000).astype(np.float32) for _ in range(2))
    c = generator.normal(size=4000).astype(np.float32) * np.float32(2) ** generator.integers(-30, 30, 4000).astype(np.float32)
    tie = (np.float32(1) + np.float32(2.0 ** -12), np.float32(1) + np.float32(2.0 ** -12), np.float32(-(2.0 ** -60)))
    a, b, c = (np.append(values, value) for values, value in zip((a, b, c), tie))
    for x, y, z, found in zip(a, b, c, numerics.fma(a, b, c)):
        exact = Fraction(float(x)) * Fraction(float(y)) + Fraction(float(z))
        low, high = np.nextafter(found, np.float32(-np.inf)), np.nextafter(found, np.float32(np.inf))
        distance = abs(exact - Fraction(float(found)))
        for other in (low, high):
            difference = abs(exact - Fraction(float(other)))
            assert distance < difference or (distance == difference and found.view(np.uint32) % 2 == 0)


def test_feature_score_is_the_mahalanobis_distance() -> None:
    generator = np.random.default_rng(4)
    for count, rank in [(7, 0), (16, 3), (50, 9)]:
        basis = np.linalg.qr(generator.normal(size=(count, count)))[0].T[:rank].astype(np.float32)
        mean, feature = (generator.normal(size=count).astype(np.float32) for _ in range(2))
        precisions = generator.uniform(0.1, 3, rank).astype(np.float32)
        covariance = basis.T.astype(np.float64) @ np.diag(1 / precisions.astype(np.float64)) @ basis
        covariance += (np.eye(count) - basis.T.astype(np.float64) @ basis) / 5
        d = feature.astype(np.float64) - mean
        expected = np.sqrt(d @ np.linalg.inv(covariance) @ d / count)
        assert abs(numerics.feature_score(feature, mean, precisions, basis, 5) / expected - 1) < 1e-5
    with np.errstate(over="ignore", invalid="ignore"):
        assert not np.isfinite(numerics.feature_score(np.full(2, 3e38, np.float32), np.zeros(2, np.float32), [], [], 1e-30))


def test_sum16_keeps_sixteen_lanes() -> None:
    values = np.random.default_rng(2).normal(size=53).astype(np.float32)
    lanes = [np.float32(0)] * 16
    for index, value in enumerate(values):
        lanes[index % 16] = np.float32(lanes[index % 16] + value)
    while len(lanes) > 1:
        half = len(lanes) // 2
        lanes = [np.float32(lanes[j] + lanes[j + half]) for j in range(half)]
    assert numerics.sum16(values) == lanes[0]


def test_polynomials_are_close_to_their_functions() -> None:
    from math import erf, sqrt

    x = np.linspace(-8, 8, 20001).astype(np.float32)
    exact = np.array([0.5 * v * (1 + erf(v / sqrt(2))) for v in x.astype(np.float64)])
    assert np.abs(numerics.gelu(x) - exact).max() <= 1.6e-4
    y = np.linspace(-125, 0, 20001).astype(np.float32)
    assert np.abs(numerics.exp2(y) / np.exp2(y.astype(np.float64)) - 1).max() <= 2.3e-7
