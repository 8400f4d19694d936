"""The screening beside Tern: python peer.py ONNX_FOLDER float|int8 PROCESSES yes|no FOLDER OUT.

Each process reads files with Pillow, runs ONNX Runtime on one thread and gives a row and a line; with `yes` also a thumbnail and a picture as JPEG in base 64, which
the first process puts into one page. It makes no maps, keeps no journal and flushes nothing.
"""
import base64
import csv
import hashlib
import io
import json
import os
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

ONNX, KIND, PROCESSES, PICTURES, FOLDER, OUT = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), sys.argv[4] == "yes", Path(sys.argv[5]), Path(sys.argv[6])
DESCRIPTION = json.loads((ONNX / "description.json").read_text())
state = {}


def begin():
    import numpy as np
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    state["session"] = onnxruntime.InferenceSession(ONNX / f"{KIND}.onnx", options, providers=["CPUExecutionProvider"])
    state["mean"] = np.array(DESCRIPTION["input"]["mean"], np.float32).reshape(-1, 1, 1)
    state["deviation"] = np.array(DESCRIPTION["input"]["std"], np.float32).reshape(-1, 1, 1)


def encoded(image, quality):
    out = io.BytesIO()
    image.save(out, "JPEG", quality=quality)
    return "data:image/jpeg;base64," + base64.b64encode(out.getvalue()).decode()


def read(path):
    import numpy as np
    from PIL import Image

    source = DESCRIPTION["input"]
    try:
        data = (FOLDER / path).read_bytes()
        image = Image.open(io.BytesIO(data)).convert("L" if source["channels"] == 1 else "RGB")
        side = min(image.size)
        left, top = (image.width - side) // 2, (image.height - side) // 2
        square = image.crop((left, top, left + side, top + side))
        if square.size != (source["width"], source["height"]):
            square = square.resize((source["width"], source["height"]), Image.Resampling.BICUBIC)
        values = np.asarray(square, np.float32).reshape(source["height"], source["width"], -1).transpose(2, 0, 1) / 255
        logits = state["session"].run(None, {"image": ((values - state["mean"]) / state["deviation"])[None]})[0][0] / DESCRIPTION["output"]["temperature"]
        scores = np.exp(logits - logits.max())
        scores /= scores.sum()
    except OSError as error:
        return {"path": path, "error": str(error)}
    result = {"path": path, "sha256": hashlib.sha256(data).hexdigest(),
              "scores": {label["name"]: float(scores[label["index"]]) for label in DESCRIPTION["labels"] if label.get("report", True)}}
    if PICTURES:
        small = image.copy()
        small.thumbnail((96, 96), Image.Resampling.BOX)
        result["pictures"] = [encoded(small, 75), encoded(image, 85)]
    return result


def main():
    OUT.mkdir()
    paths = sorted(os.path.relpath(os.path.join(folder, name), FOLDER) for folder, _, names in os.walk(FOLDER) for name in names)
    labels = [label["name"] for label in DESCRIPTION["labels"] if label.get("report", True)]
    with ProcessPoolExecutor(PROCESSES, initializer=begin) as pool, open(OUT / "findings.jsonl", "w") as lines, open(OUT / "findings.csv", "w", newline="") as table:
        rows = csv.writer(table)
        rows.writerow(["path", "error", *labels])
        page = open(OUT / "report.html", "w") if PICTURES else None
        for result in pool.map(read, paths, chunksize=8):
            pictures = result.pop("pictures", [])
            lines.write(json.dumps(result) + "\n")
            rows.writerow([result["path"], result.get("error", ""), *(result.get("scores", {}).get(label, "") for label in labels)])
            if page:
                page.write(json.dumps(result) + "".join(f'<img src="{data}">' for data in pictures) + "\n")
        if page:
            page.close()


if __name__ == "__main__":
    main()
