"""Data of a screening for the tests of the page: results of the shipped samples by `ternd infer`, pictures by Pillow, and maps that are made up."""

import base64
import io
import json
import math
import os
import pathlib
import subprocess

from PIL import Image

ROOT = pathlib.Path(__file__).resolve().parents[2]
CHINESE = {"pneumonia": "肺炎", "malignant": "恶性", "red blood cell": "红细胞", "white blood cell": "白细胞", "platelet": "血小板"}


def jpeg(image, side):
    image = image.convert("RGB" if image.mode in ("RGB", "RGBA", "P") else "L")
    image.thumbnail((side, side), Image.LANCZOS)
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=88)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()


def described(ternd, model):
    """The model as a screening describes it, from what `ternd info` says."""
    text = subprocess.run([ternd, "info", "--model", model], check=True, capture_output=True, text=True).stdout
    card = json.loads(next(line for line in text.splitlines() if line.startswith("card: "))[6:])
    labels, label = [], None
    for line in text.splitlines():
        if line.startswith("label: "):
            name, _, rest = line[7:].partition(" (")
            label = {"name": name, "chineseName": CHINESE.get(name), "code": {"scheme": "SCT", "value": rest.split(",")[0], "meaning": name}, "structure": "lungs",
                     "reported": True, "operatingPoint": None}
            label["chosen"] = line.rpartition("(")[2].rstrip(")") if "positive from" in line else None
            labels.append(label)
        elif label and label["chosen"] and line.startswith(f"  {label['chosen']}: positive from"):
            words = line.replace(",", "").replace("(", "").replace(")", "").split()
            share = lambda at: {"value": float(words[at + 1]), "low": float(words[at + 2]), "high": float(words[at + 4])}
            label["operatingPoint"] = {"name": label["chosen"], "threshold": float(words[3]), "sensitivity": share(4), "specificity": share(11),
                                       "positives": int(words[10]), "negatives": int(words[17])}
    for label in labels:
        label.pop("chosen")
    return {"title": card["title"], "intendedUse": card["intendedUse"], "notIntendedUse": card["notIntendedUse"], "limits": card["limits"], "labels": labels}


def made_up_map(result, finding, columns=8):
    """A hill and a valley on a grid over the whole picture; where they lie depends on the input alone."""
    seed = int(result["input"]["sha256"][:6], 16)
    x, y = 1.5 + seed % 5, 1.5 + seed // 5 % 5
    hill = lambda column, row, cx, cy, width: math.exp(-((column - cx) ** 2 + (row - cy) ** 2) / width)
    values = [round(finding["score"] * (hill(column, row, x, y, 2.6) + 0.5 * hill(column, row, 7 - x, y + 1, 1.5)) - 0.3 * hill(column, row, 6.5, 0.5, 2), 4)
              for row in range(columns) for column in range(columns)]
    side = result["quality"]["width"] / columns
    box = {"x": round(max(0, x - 1) * side), "y": round(max(0, y - 1) * side), "width": round(3 * side), "height": round(3 * side), "share": 0.58}
    return values, [box]


def screening(ternd, model, files, folder="samples", pictures=True):
    """One `tern.screening/1` of the files, which are read in their order."""
    lines = subprocess.run([ternd, "infer", "--model", model, *files], capture_output=True, text=True).stdout.splitlines()
    results = [json.loads(line) for line in lines]
    assert len(results) == len(files)
    items = [item(index, path, result, pictures) for index, (path, result) in enumerate(zip(files, results), 1)]
    reference = results[0]["model"]
    return {"schema": "tern.screening/1", "time": "2026-11-22T08:30:00Z", "program": "ternd 0.1.0", "folder": folder,
            "model": {"name": reference["name"], "version": reference["version"], "digest": reference["digest"], "signature": reference["signature"],
                      "region": {"key": "chest", "code": None}, **described(ternd, model)},
            "items": items}


def item(index, path, result, pictures):
    shown, maps = None, []
    try:
        with Image.open(path) as image:
            image.load()
            if pictures:
                shown = {"width": image.width, "height": image.height, "thumbnail": jpeg(image.copy(), 96), "full": jpeg(image.copy(), 1024)}
    except OSError:
        pass
    for finding in result["findings"]:
        values, regions = made_up_map(result, finding)
        if not finding["call"] == "review":
            finding["location"] = {"method": "patch-shares", "regions": [{**region, "side": "right"} for region in regions]}
        maps.append({"label": finding["label"], "method": "patch-shares", "columns": 8, "rows": 8, "values": values,
                     "area": {"x": 0, "y": 0, "width": result["quality"]["width"], "height": result["quality"]["height"]}})
    return {"index": index, "path": "/".join(pathlib.Path(path).parts[-2:]), "study": None, "series": None, "result": result, "pictures": shown, "maps": maps, "words": None}


def program():
    return os.environ.get("TERND", str(ROOT / "build/x86_64/ternd"))
