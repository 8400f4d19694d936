"""What compare_screen makes of a run. Neither the program nor the peer is needed."""
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path

SCRIPT = Path(__file__).resolve().parents[1] / "compare_screen"


def script():
    loader = SourceFileLoader("compare_screen", str(SCRIPT))
    module = module_from_spec(spec_from_loader("compare_screen", loader))
    loader.exec_module(module)
    return module


def test_a_table_for_each_kind_of_report_with_rates():
    found = [{"name": name, "pictures": pictures, "seconds": seconds, "resident": 50e6, "cpu_seconds": 8.0, "result_bytes": 2e6}
             for name, seconds in (("Tern, INT8", 4.0), ("ONNX Runtime + Pillow, INT8", 8.0)) for pictures in (True, False)]
    text = script().markdown({"date": "2025-01-01", "model": "m", "count": 1000, "side": 224, "rounds": 3, "found": found,
                              "machine": {"cpu": "A", "cores": 2, "kernel": "Linux 6", "load": 3.0}})
    assert "| Tern, INT8 | 250 | 4.0 | 8.0 | 50 MB | 2.0 MB |" in text and text.count("| 125 |") == 2
    assert text.index("**With pictures**") < text.index("**Without pictures**") and "other programs ran" in text
