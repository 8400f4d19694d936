"""Figures of merit against scikit-learn, direct formulas and values worked out by hand."""
import math

import pytest

torch = pytest.importorskip("torch", reason="training needs torch, which has no small wheel in every index")
np = pytest.importorskip("numpy")

import data
import gate
import made
import metrics


def drawn(classes: int, count: int = 300, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Logits [N, C], rounded so that ties occur, and labels."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.randint(classes, (count,), generator=generator)
    logits = torch.randn(count, classes, generator=generator) + 1.2 * torch.nn.functional.one_hot(labels, classes)
    return (logits * 4).round() / 4, labels


def test_area_counts_ties_as_one_half():
    scores, labels = torch.tensor([0.1, 0.5, 0.5, 0.9]), torch.tensor([0, 0, 1, 1])
    assert metrics.auc(scores, labels) == pytest.approx(3.5 / 4)
    assert metrics.auc(-scores, labels) == pytest.approx(0.5 / 4)


@pytest.mark.parametrize("classes", [2, 3, 5])
def test_areas_kappas_and_f1_are_those_of_scikit_learn(classes):
    sklearn = pytest.importorskip("sklearn.metrics", reason="scikit-learn is the reference here")
    logits, labels = drawn(classes)
    call = logits.argmax(1)
    if classes == 2:
        assert metrics.mean_auc(logits, labels) == pytest.approx(sklearn.roc_auc_score(labels, logits[:, 1] - logits[:, 0]))
    else:
        scores = torch.softmax(logits.double(), 1).numpy()
        assert metrics.mean_auc(logits, labels) == pytest.approx(sklearn.roc_auc_score(labels, scores, multi_class="ovr"))
    assert metrics.kappa(call, labels, classes) == pytest.approx(sklearn.cohen_kappa_score(labels, call))
    assert metrics.kappa(call, labels, classes, quadratic=True) == pytest.approx(sklearn.cohen_kappa_score(labels, call, weights="quadratic"))
    assert metrics.macro_f1(call, labels, classes) == pytest.approx(sklearn.f1_score(labels, call, average="macro"))


def test_calibration_error_is_the_sum_over_bins():
    logits, labels = drawn(3)
    scores = torch.softmax(logits, 1)
    confidence, right = scores.max(1).values.tolist(), (scores.argmax(1) == labels).tolist()
    error = 0.0
    for index in range(15):
        inside = [place for place, value in enumerate(confidence) if index / 15 <= value < (index + 1) / 15 or (index == 14 and value == 1)]
        if inside:
            error += abs(sum(confidence[place] for place in inside) - sum(right[place] for place in inside)) / len(labels)
    assert metrics.calibration_error(scores, labels) == pytest.approx(error, abs=1e-6)
    bins = metrics.reliability(scores, labels)
    assert sum(entry["count"] for entry in bins) == len(labels)
    assert sum(entry["count"] * abs(entry["score"] - entry["right"]) for entry in bins) / len(labels) == pytest.approx(error, abs=2e-4)


def test_wilson_intervals_worked_out_by_hand():
    # 8 of 10: centre (0.8 + 0.19207) / 1.38415, half 1.959964 * sqrt(0.016 + 0.0096036) / 1.38415.
    assert metrics.wilson(0.8, 10) == [0.4902, 0.9433]
    # None of 10: 0 and z^2 / (n + z^2).
    assert metrics.wilson(0.0, 10) == [0.0, 0.2775]
    assert metrics.wilson(1.0, 10) == [0.7225, 1.0]
    low, high = metrics.wilson(0.5, 1000)
    assert low == pytest.approx(1 - high, abs=1e-4) and high - low == pytest.approx(2 * 1.96 * math.sqrt(0.25 / 1003.84), abs=2e-4)


def test_delong_is_near_the_bootstrap_and_holds_the_area():
    logits, labels = drawn(2, 600)
    low, high = metrics.delong(logits[:, 1] - logits[:, 0], labels == 1)
    value = metrics.mean_auc(logits, labels)
    assert low < value < high and (low + high) / 2 == pytest.approx(value)
    other = metrics.bootstrap_auc(logits, labels, resamples=400)
    assert other == metrics.bootstrap_auc(logits, labels, resamples=400), "the same in every run"
    assert [low, high] == pytest.approx(other, abs=0.008)


def test_delong_of_four_cases_by_hand():
    # Components of the ill: 1, 1/2; of the healthy: 1, 1/2. Variances 1/8, so the error is sqrt(1/16 + 1/16).
    scores, positive = torch.tensor([0.1, 0.5, 0.5, 0.9]), torch.tensor([False, False, True, True])
    error = 1.959964 * math.sqrt(1 / 8)
    scores[2] = 0.3
    assert metrics.delong(scores, positive) == pytest.approx([max(0, 0.75 - error), 1.0])


@pytest.mark.parametrize("upper", [False, True])
def test_operating_points_are_in_order_and_cover_what_they_promise(upper):
    torch.manual_seed(0)
    positive = torch.arange(2000) % 4 == 0
    scores = torch.sigmoid(torch.randn(2000) + torch.where(positive, 1.2, -1.2))
    points = metrics.operating_points(scores, positive, upper)
    assert [point["name"] for point in points] == ["sensitivity-first", "balanced", "specificity-first"]
    first, middle, last = points
    assert first["threshold"] <= middle["threshold"] <= last["threshold"]
    assert first["sensitivity"]["value"] >= 0.94 and last["specificity"]["value"] >= 0.94
    best = max(sum(metrics.rates(scores, positive, t / 200)[key] for key in ("sensitivity", "specificity")) for t in range(1, 200))
    assert middle["sensitivity"]["value"] + middle["specificity"]["value"] > best - (0.06 if upper else 0.03)
    for point in points:
        assert (point["positives"], point["negatives"]) == (500, 1500)
        measured = metrics.rates(scores, positive, point["threshold"])
        for key in ("sensitivity", "specificity"):
            assert point[key]["value"] == round(measured[key], 4)
            assert point[key]["low"] <= point[key]["value"] <= point[key]["high"]


def test_too_few_cases_are_refused_by_name():
    with pytest.raises(ValueError, match="1 positive and 3 negative"):
        metrics.operating_points(torch.rand(4), torch.tensor([True, False, False, False]), False)
    one = torch.zeros(5, dtype=torch.int64)
    assert metrics.kappa(one, one, 2) is None, "one class only: chance agrees always"
    splits = data.synthetic()
    data.check_labels(splits, made.settings()["labels"])
    with pytest.raises(SystemExit, match="label 1; the settings name 1"):
        data.check_labels(splits, made.settings()["labels"][:1])
    splits["val"].labels[:] = 0
    with pytest.raises(SystemExit, match="split val holds 0 images of class 1"):
        data.check_labels(splits, made.settings()["labels"])


def test_the_upper_end_of_the_plateau_is_no_lower():
    torch.manual_seed(1)
    positive = torch.arange(400) % 2 == 0
    scores = torch.sigmoid(torch.randn(400) + torch.where(positive, 3.0, -3.0))
    thresholds = [metrics.operating_points(scores, positive, upper)[1]["threshold"] for upper in (False, True)]
    assert thresholds[0] < thresholds[1]


def test_temperature_recovers_a_known_scale():
    torch.manual_seed(0)
    margin = torch.randn(20000) * 2
    labels = (torch.rand(20000) < torch.sigmoid(margin)).long()
    logits = torch.stack([torch.zeros_like(margin), margin * 3], dim=1)
    for balanced in (False, True):
        assert metrics.fit_temperature(logits, labels, balanced) == pytest.approx(3, rel=0.1)


def test_an_end_of_the_temperatures_is_remarked():
    labels = torch.arange(100) % 2
    sure = torch.nn.functional.one_hot(labels, 2) * 100.0
    found = metrics.fit_temperature(-sure, labels, False)
    assert found == 5 and "an end" in metrics.at_the_end(found) and metrics.at_the_end(1.0) == ""


def test_the_gate_is_a_gaussian_of_low_rank():
    generator = np.random.default_rng(0)
    width = 24
    mixing = generator.normal(size=(width, 4)) * [4, 3, 2, 1.5]
    x = generator.normal(size=(4000, 4)) @ mixing.T + 0.3 * generator.normal(size=(4000, width)) + 2
    found = gate.fit(torch.from_numpy(x[:3000]).float(), torch.from_numpy(x[3000:]).float())
    rank = len(found.precision)
    values, basis = np.linalg.eigh(np.cov(x[:3000], rowvar=False, bias=True))
    values, basis = values[::-1], basis[:, ::-1]
    assert values[:rank].sum() / values.sum() >= gate.EXPLAINED > values[:rank - 1].sum() / values.sum()
    # The same Gaussian with its full covariance, inverted directly.
    rest = values[rank:].mean()
    covariance = (basis[:, :rank] * (values[:rank] - rest)) @ basis[:, :rank].T + rest * np.eye(width)
    d = x[3000:] - x[:3000].mean(0)
    direct = np.sqrt(np.einsum("ni,ij,nj->n", d, np.linalg.inv(covariance), d) / width)
    assert found.score(torch.from_numpy(x[3000:])).numpy() == pytest.approx(direct, rel=1e-3)
    assert direct.mean() == pytest.approx(1, abs=0.05)
    assert (direct > found.threshold).mean() < 0.03
    far = torch.from_numpy(x[3000:] + 3 * generator.normal(size=(1000, width)))
    assert gate.separation(found.score(torch.from_numpy(x[3000:])), found.score(far)) > 0.99
    assert {name: tuple(value.shape) for name, value in found.tensors().items()} == {
        "feature_statistics.mean": (width,), "feature_statistics.precision": (rank,), "feature_statistics.basis": (rank, width)}
