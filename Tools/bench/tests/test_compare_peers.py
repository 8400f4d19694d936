"""What compare_peers makes of a run: table, picture, page. No peer is needed."""
import json
import subprocess
import sys
import xml.etree.ElementTree as tree
from pathlib import Path

import pytest

BENCH = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(BENCH))

from peers import plot, report  # noqa: E402
from peers.engines import BASE, ENGINES  # noqa: E402


@pytest.fixture
def document():
    times = {engine.name: {"median_ms": 7.0 + index, "min_ms": 6.5, "ratio": (7.0 + index) / 11, "kernels": ["avx2"]} for index, engine in enumerate(ENGINES)}
    names = [engine.name for engine in ENGINES]
    return {
        "schema": "tern.peers/1", "date": "2025-01-01", "commit": "abc", "machine": {"cpu": "A & B", "cores": 2, "kernel": "Linux 6", "load": 0.1},
        "models": ["tiny"], "threads": [1, 2], "rounds": 3, "per_turn": 5, "isa": None, "times": {"tiny/1": times, "tiny/2": {"tern-int8": times["tern-int8"]}},
        "cosine": {f"tiny/{name}": 0.999 for name in names}, "sizes": {f"tiny/{name}": 6_000_000 for name in names},
        "costs": {"tiny/tern-int8": {"model_bytes": 6_000_000, "runtime_bytes": 2_400_000, "cold_ms": 20.0, "cold_without_interpreter_ms": None,
                                     "peak_resident_bytes": 9_000_000}},
        "not_run": {"tiny/2/ort-qdq": "it broke"}, "versions": {"onnxruntime": "1"},
    }


def test_every_engine_has_a_row_and_a_reason_when_it_did_not_run(document):
    text = report.markdown(document)
    for engine in ENGINES:
        assert engine.label in text
    assert "it broke" in text and "ncnn2int8" in text
    tables = [block for block in text.split("\n\n") if block.startswith("| ")]
    for block in tables:
        assert len({line.count("|") for line in block.split("\n")}) == 1, "a row has more cells than another"
    assert any(engine.name == BASE for engine in ENGINES)


def test_the_picture_is_well_formed_and_names_every_engine(document):
    picture = plot.draw(document)
    root = tree.fromstring(picture)
    words = "".join(root.itertext())
    for name, label in plot.SHORT.items():
        assert label in words, name
    assert "<script" not in picture


def test_labels_keep_their_distance():
    placed = sorted(plot.spread([10.0, 10.0, 10.0, 11.0, 200.0], 0, 300))
    assert all(second - first >= plot.ROW - 0.01 for first, second in zip(placed, placed[1:]))


def test_a_page_is_updated_between_its_marks(document, tmp_path):
    page = tmp_path / "page.md"
    page.write_text(f"before\n{report.BEGIN}\nold\n{report.END}\nafter\n")
    source = tmp_path / "run.json"
    source.write_text(json.dumps(document))
    subprocess.run([sys.executable, BENCH / "compare_peers", "--from", source, "--update", page], check=True, capture_output=True)
    text = page.read_text()
    assert text.startswith("before\n" + report.BEGIN) and text.endswith(report.END + "\nafter\n") and "old" not in text
    page.write_text("no marks")
    done = subprocess.run([sys.executable, BENCH / "compare_peers", "--from", source, "--update", page], capture_output=True, text=True)
    assert done.returncode == 1 and "put them where" in done.stderr
