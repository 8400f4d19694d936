"""What compare_peers makes of a run: table, picture, page. No peer is needed."""
import argparse
import json
import subprocess
import sys
import xml.etree.ElementTree as tree
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path

import pytest

BENCH = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(BENCH))

from peers import measure, plot, report  # noqa: E402
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


def test_the_report_says_which_table_tern_ran_on_and_what_failed(document):
    document["not_run"] |= {"tiny/ort-float": "not built", "tiny/costs/litert-int8": "no output"}
    text = report.markdown(document)
    assert "Tern's kernel table: avx2." in text
    for line in ("ONNX Runtime INT8, QDQ (tiny, threads 2): it broke", "ONNX Runtime FP32 (tiny): not built", "LiteRT INT8, dynamic (tiny, costs): no output"):
        assert f"- {line}\n" in text


def test_the_shell_does_not_choose_the_instruction_sets(tmp_path, monkeypatch):
    for name in ("TERN_ISA", "ONEDNN_MAX_CPU_ISA"):
        monkeypatch.setenv(name, "scalar")
    free, limited = (measure.Context(tmp_path, tmp_path, tmp_path, [0], isa).environment for isa in (None, "avx2"))
    assert "TERN_ISA" not in free and "ONEDNN_MAX_CPU_ISA" not in free
    assert (limited["TERN_ISA"], limited["ONEDNN_MAX_CPU_ISA"]) == ("avx2", "AVX2")


def test_an_engine_that_fails_late_is_noted_and_nothing_is_lost(document, tmp_path, monkeypatch):
    loader = SourceFileLoader("compare_peers", str(BENCH / "compare_peers"))
    program = module_from_spec(spec_from_loader(loader.name, loader))
    loader.exec_module(program)
    first, second = ENGINES[:2]
    (tmp_path / "tiny").mkdir()
    for engine in (first, second):
        (tmp_path / "tiny" / engine.files[0]).write_bytes(b"12345678")

    def cosine(context, engine, model):
        if engine is first:
            raise measure.EngineFailed("no output")
        return 0.5

    monkeypatch.setattr(measure, "rounds", lambda *_: ({engine.name: {"round_medians_ms": [1.0]} for engine in (first, second)}, {}))
    monkeypatch.setattr(measure, "cosine", cosine)
    document |= {"times": {}, "threads": [1], "cosine": {}, "sizes": {}, "not_run": {}, "versions": {}}
    context = measure.Context(tmp_path, tmp_path, tmp_path, [0], None)
    program.measure_model(context, document, [first, second], "tiny", 5, print, argparse.Namespace(no_costs=True))
    assert document["not_run"] == {f"tiny/costs/{first.name}": "no output"}
    assert document["cosine"] == {f"tiny/{second.name}": 0.5} and set(document["times"]["tiny/1"]) == {first.name, second.name}
    assert document["versions"] == {}, "Tern is not a package"


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
