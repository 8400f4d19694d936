"""Settings of runs that take seconds, and a place where the command tern may be. Needs nothing but the standard library."""
import os
from pathlib import Path

TERN = Path(os.environ.get("TERN", Path(__file__).resolve().parents[3] / ".build/release/tern"))
NO_TERN = f"{TERN} is missing: build it with `swift build -c release --product tern`, or name it in TERN"

PHASE = {"levels": 63, "images": 64, "rate": 1e-3, "matrix_rate": 0.02, "warmup": 0.05, "blend": 0.0, "drop_path": 0.1, "bfloat16": False,
         "temperature": 2.0, "teacher_share": 0.7, "smoothing": 0.05, "feature_weight": 0.3, "weight_decay": 0.01, "ema": 0.9, "batch": 8}


def settings(classes: int = 2, channels: int = 1, **changes) -> dict:
    """A whole configuration; every class but the first is reported."""
    labels = [{"name": f"class {k}", "report": k > 0} | ({"code": {"scheme": "SCT", "value": str(1000 + k), "meaning": f"Class {k}"}} if k else {})
              for k in range(classes)]
    return {
        "name": "made", "version": "0.0.1", "modality": "OT", "labels": labels,
        "card": {"title": "Discs of several brightness", "intendedUse": "Tests.", "notIntendedUse": "Anything else.",
                 "trainingData": "Made up.", "population": "None.", "attribution": "Nobody.", "licence": "None.", "date": "2026-01-01",
                 "limits": ["Knows discs only."]},
        "seed": 1, "seeds": [1, 2], "bfloat16": False, "balanced": False,
        "input": {"mean": [0.5] * channels, "std": [0.5] * channels}, "augmentation": {},
        "teacher": {"kind": "cnn", "members": [0], "width": 8, "epochs": 1, "batch": 16, "rate": 2e-3, "weight_decay": 0.01,
                    "smoothing": 0.05, "ema": 0.9},
        "pool": {"versions": 2},
        "architecture": {"image": 28, "patch": 7, "channels": channels, "width": 32, "depth": 2, "heads": 1, "mlp_ratio": 4,
                         "classes": classes, "epsilon": 1e-6, "pool": "mean"},
        "phases": {"float": PHASE | {"mode": "float", "from": None, "seed": 1},
                   "ternary": PHASE | {"mode": "ternary", "from": "float", "seed": 2, "blend": 0.1},
                   "recovery": PHASE | {"mode": "ternary", "from": "ternary", "seed": 3, "images": 16}},
    } | changes
