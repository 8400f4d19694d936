"""scores.py: deciles that leave no bin empty, and the index against SciPy's relative entropies."""
import json

import pytest

np = pytest.importorskip("numpy")

import scores


def single(*values):
    return np.array(values, dtype=np.float32)


def test_deciles_of_distinct_scores_hold_a_tenth_each():
    shuffled = np.random.default_rng(1).permutation(200).astype(np.float32) / 200
    bounds = scores.edges(shuffled)
    assert np.array_equal(bounds, single(*[part / 10 for part in range(1, 10)])) and scores.counts(shuffled, bounds).tolist() == [20] * 10


@pytest.mark.parametrize("values", [[0.5, 0.5], [0.1] * 50 + [0.9], [1.0] * 30 + [0.5], [0.0, 1.0], list(np.linspace(0, 1, 7)), [0.2] * 5 + [0.3] * 5 + [1.0] * 90])
def test_no_bin_is_empty(values):
    column = single(*values)
    bounds = scores.edges(column)
    assert (np.diff(bounds) > 0).all() and (bounds > column.min()).all() and len(bounds) <= 9
    assert scores.counts(column, bounds).min() > 0 and scores.counts(column, bounds).sum() == len(values)
    assert (len(bounds) == 0) == (np.mean(column == column.min()) >= 0.9)


def test_a_score_at_an_edge_is_in_the_upper_bin():
    assert scores.counts(single(0.25, 0.5, 0.75), single(0.5)).tolist() == [1, 2]


def test_the_description_holds_reported_labels_in_every_bit():
    column = np.random.default_rng(2).random(500).astype(np.float32)
    description = {"labels": [{"name": "normal", "index": 0, "report": False}, {"name": "sick", "index": 1}, {"name": "all one", "index": 2}]}
    found = scores.reference(description, np.stack([1 - column, column, np.ones(500, np.float32)], axis=1), "test")
    assert (found["measuredOn"], found["cases"], [label["name"] for label in found["labels"]]) == ("test", 500, ["sick"])
    kept = np.array(json.loads(json.dumps(found))["labels"][0]["edges"], dtype=np.float32)
    assert np.array_equal(kept, scores.edges(column))
    assert scores.reference(description | {"labels": description["labels"][2:]}, np.ones((500, 3), np.float32), "test") is None
    (far,) = scores.apart(found, description, np.stack([column, column / 2, column], axis=1))
    assert far["name"] == "sick" and far["index"] > 0.25 and far["chance"] == pytest.approx(9 * 2 / 500, abs=1e-4)


def test_the_index_is_scipys():
    special = pytest.importorskip("scipy.special")
    expected, seen = np.array([10, 20, 30, 40]), np.array([40, 0, 30, 5])
    p, q = expected / 100, (seen + 0.5) / 77
    assert scores.stability(expected, seen) == pytest.approx(special.rel_entr(q, p).sum() + special.rel_entr(p, q).sum(), rel=1e-12)
