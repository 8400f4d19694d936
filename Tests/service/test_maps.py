"""Where the model looked: on the command line and from the service, with shipped models and pictures of known geometry."""

import io
import json
import os
import signal

import numpy as np
import pytest
from PIL import Image

from harness import ROOT, dicom, ternd

MODEL = ROOT / "Models/cxr224/cxr224.tern"
SAMPLE = ROOT / "Models/cxr224/samples/test-0099-pneumonia.png"
CELLS = ROOT / "Models/cells"


def infer(folder, *files, model=MODEL):
    """Results and maps of files, written as bytes; maps by label are pairs of JSON and picture."""
    paths = []
    for index, content in enumerate(files):
        path = folder / f"input-{index}"
        path.write_bytes(content)
        paths.append(path)
    found = ternd("infer", "--model", model, "--maps", folder / "maps", *paths)
    assert found.returncode == 0, found.stderr
    results = [json.loads(line) for line in found.stdout.splitlines()]
    maps = []
    for number in range(1, len(files) + 1):
        numbers = folder / "maps" / f"{number}.json"
        maps.append(json.loads(numbers.read_text()) if numbers.exists() else None)
    return results, maps


def picture(folder, number, label):
    return np.asarray(Image.open(folder / "maps" / f"{number}-{label}.jpg")).astype(int)


def png(image):
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def regions(one):
    """Boxes and shares by the rule of docs/where.md, from the numbers alone."""
    values = np.array(one["values"], np.float32).astype(float).reshape(one["rows"], one["columns"])
    positive, area = np.maximum(values, 0), one["area"]
    total = positive.sum()
    if total < 0.25 * abs(values).sum() or total == 0:
        return []
    left = {(int(y), int(x)) for y, x in np.argwhere(values >= 2 * total / values.size)}
    found = []
    while left:
        group, edge = set(), {left.pop()}
        while edge:
            group |= edge
            edge = {(y, x) for y, x in left if any(abs(y - b) <= 1 and abs(x - a) <= 1 for b, a in edge)}
            left -= edge
        share = sum(positive[place] for place in group) / total
        rows, columns = [y for y, _ in group], [x for _, x in group]
        x0 = area["x"] + min(columns) * area["width"] // one["columns"]
        y0 = area["y"] + min(rows) * area["height"] // one["rows"]
        x1 = area["x"] - (-(max(columns) + 1) * area["width"] // one["columns"])
        y1 = area["y"] - (-(max(rows) + 1) * area["height"] // one["rows"])
        if share >= 0.1:
            found.append((share, (x0, y0, x1 - x0, y1 - y0)))
    return sorted(found, reverse=True)[:4]


def box(region):
    return tuple(region[name] for name in ("x", "y", "width", "height"))


def check(result, maps):
    """The result's locations are what the maps give."""
    assert maps["schema"] == "tern.maps/1" and [one["label"] for one in maps["maps"]] == [finding["label"] for finding in result["findings"]]
    for finding, one in zip(result["findings"], maps["maps"]):
        if finding["call"] == "negative":
            assert "location" not in finding
            continue
        assert finding["location"]["method"] == one["method"]
        expected = regions(one)
        assert [box(region) for region in finding["location"]["regions"]] == [place for _, place in expected]
        assert np.allclose([region["share"] for region in finding["location"]["regions"]], [share for share, _ in expected], atol=6e-4)


def test_regions_follow_from_the_numbers(tmp_path):
    files = [path.read_bytes() for path in sorted((ROOT / "Models/cxr224/samples").glob("*.png"))]
    results, maps = infer(tmp_path, *files)
    for result, one in zip(results, maps):
        check(result, one)
    assert sum(len(finding.get("location", {}).get("regions", [])) for result in results for finding in result["findings"]) >= 2


def test_maps_of_every_label_and_none_of_a_flagged_image(tmp_path):
    samples = [CELLS / "samples" / name for name in ("test-0052-white-blood-cell.png", "test-0012-white-blood-cell.png")]
    results, maps = infer(tmp_path, *[path.read_bytes() for path in samples], model=CELLS / "cells.tern")
    for number, (result, one) in enumerate(zip(results, maps), 1):
        flagged = result["outOfDistribution"]["flagged"]
        assert (one is None) == flagged and all("location" not in finding for finding in result["findings"] if flagged)
        for label in ("red-blood-cell", "white-blood-cell", "platelet"):
            assert (tmp_path / "maps" / f"{number}-{label}.jpg").exists() != flagged
        if not flagged:
            check(result, one)
    # Of a softmax all outputs are reported here: what speaks for one speaks against the others together.
    assert np.allclose(sum(np.array(one["values"]) for one in maps[0]["maps"]), 0, atol=1e-5)


def test_a_map_is_carried_back_through_cropping_turning_and_inversion(tmp_path):
    source = Image.open(SAMPLE).convert("L")
    wide = source.resize((448, 336), Image.Resampling.BICUBIC)
    grey = np.asarray(wide)
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = io.BytesIO()
    wide.transpose(Image.Transpose.ROTATE_90).save(turned, "PNG", exif=exif)

    def file(**more):
        return dicom(Rows=336, Columns=448, PixelData=grey.tobytes(), **more)

    inverted = dicom(Rows=336, Columns=448, PixelData=(255 - grey).tobytes(), PhotometricInterpretation="MONOCHROME1")
    scaled = file(PixelSpacing=[0.5, 0.25], ImagerPixelSpacing=[0.6, 0.3], PatientOrientation=["L", "F"])
    detector = file(ImagerPixelSpacing=[0.6, 0.3], PatientOrientation=["R", "F"])
    paired = file(PixelSpacing=[0.6, 0.3], ImagerPixelSpacing=[0.6, 0.3], ImageLaterality="R")
    results, maps = infer(tmp_path, png(wide), inverted, scaled, detector, paired, turned.getvalue())
    # The model sees the middle square.
    assert all(one["area"] == {"x": 56, "y": 0, "width": 336, "height": 336} for each in maps for one in each["maps"])
    for result, one in zip(results, maps):
        check(result, one)
    places = [[box(region) for region in result["findings"][0]["location"]["regions"]] for result in results]
    assert places[0] and all(place == places[0] for place in places)
    for result in (results[0], results[1]):
        assert all("millimetres" not in region and "side" not in region for region in result["findings"][0]["location"]["regions"])
    for index, (row, column), at, sides in ((2, (0.5, 0.25), "patient", ("right", "left")), (3, (0.6, 0.3), "detector", ("left", "right")),
                                            (4, (0.6, 0.3), "detector", ("right", "right"))):
        for region in results[index]["findings"][0]["location"]["regions"]:
            x, y, width, height = box(region)
            lengths = region["millimetres"]
            assert lengths["at"] == at
            assert np.allclose([lengths[name] for name in ("x", "y", "width", "height")], [x * column, y * row, width * column, height * row], atol=0.006)
            side = sides[0] if x + width <= 224 else sides[1] if x >= 224 else None
            assert region.get("side") == (side if index != 4 else "right")
    # Turned upright again, and its picture too.
    assert maps[5]["image"] == {"width": 448, "height": 336}
    assert abs(picture(tmp_path, 6, "pneumonia") - picture(tmp_path, 1, "pneumonia")).mean() < 1


def test_the_picture_is_what_the_file_says_is_shown(tmp_path):
    import pydicom
    from pydicom.pixels import apply_modality_lut, apply_voi_lut

    source = np.asarray(Image.open(SAMPLE).convert("L").resize((640, 560)), np.uint16) * 16 + 500
    bytes_16 = dicom(
        Rows=560, Columns=640, BitsAllocated=16, BitsStored=13, HighBit=12, PixelData=source.tobytes(), RescaleSlope=2, RescaleIntercept=-1000,
        RescaleType="US", WindowCenter=3600, WindowWidth=7000)
    results, maps = infer(tmp_path, bytes_16)
    data = pydicom.dcmread(io.BytesIO(bytes_16))
    shown = apply_voi_lut(apply_modality_lut(data.pixel_array, data), data)
    low, high = -1000.0, 2 * 8191 - 1000.0
    expected = (shown - low) / (high - low) * 255
    drawn = picture(tmp_path, 1, "pneumonia")
    assert drawn.shape == (560, 640, 3)
    one = maps[0]["maps"][0]
    values = np.array(one["values"]).reshape(one["rows"], one["columns"])
    bare = np.pad(values < abs(values).mean(), 1, mode="edge")
    still = np.array([[bare[y:y + 3, x:x + 3].all() for x in range(one["columns"])] for y in range(one["rows"])])
    assert still.any()
    assert one["area"] == {"x": 40, "y": 0, "width": 560, "height": 560}
    mask = np.ones((560, 640), bool)
    mask[:, 40:600] = np.kron(still, np.ones((560 // one["rows"], 560 // one["columns"]), bool))
    # Grey where nothing is coloured, but for the lines of boxes.
    difference = abs(drawn.mean(axis=2) - expected)[mask]
    assert np.median(difference) < 1.5 and (difference > 8).mean() < 0.03
    coloured = (drawn.max(axis=2) - drawn.min(axis=2)) > 24
    assert not (coloured & mask).any() and coloured.any()


def test_a_service_keeps_maps_and_says_why_it_has_none(start, tmp_path):
    more = ["--model", MODEL, "--socket", tmp_path / "s.sock", "--state", tmp_path / "state", "--keep", "2"]

    def run(*options):
        return start(*more, *options, bare=True, socket_path=tmp_path / "s.sock", state=tmp_path / "state")

    server = run()
    before = server.post(SAMPLE.read_bytes()).json()
    assert "maps" not in before and "location" not in before["findings"][0]
    server.stop()
    server = run("--maps")
    kept = server.post(SAMPLE.read_bytes()).json()
    assert kept["maps"] is True and kept["findings"][0]["location"]["regions"]
    target = f"/v1/findings/{kept['id']}/map.jpg"
    answer = server.ask("GET", target)
    assert answer.status == 200 and Image.open(io.BytesIO(answer.body)).size == (672, 672)
    assert server.ask("GET", target + "?label=pneumonia").body == answer.body
    assert server.ask("GET", target + "?label=pneu%6Donia").body == answer.body
    assert server.ask("HEAD", target).status == 200 and server.ask("POST", target, b"").status == 405
    assert server.ask("GET", target + "?label=x").json()["code"] == "no_such_label"
    assert server.ask("GET", target + "?label=%6").status == 400 and server.ask("GET", target + "?label=").status == 400
    refused = server.post(png(Image.new("L", (8, 8)))).json()["id"]
    assert server.ask("GET", f"/v1/findings/{refused}/map.jpg").json()["code"] == "not_analysed"
    assert server.ask("GET", f"/v1/findings/{before['id']}/map.jpg").json()["code"] == "map_never_made"
    unknown = "/v1/findings/00000000-0000-4000-8000-000000000000/map.jpg"
    assert server.ask("GET", unknown).json()["code"] == "no_such_finding"
    # On the disk, and there after a kill; what belongs to no result is not.
    folder = tmp_path / "state/maps"
    assert [path.name for path in folder.iterdir()] == [f"{2:019}-{kept['id']}.maps"]
    server.process.send_signal(signal.SIGKILL)
    server.process.wait()
    (folder / f"{99:019}-{unknown.split('/')[3]}.maps").write_bytes(b"x")
    (folder / f"{1:019}-{unknown.split('/')[3]}.maps.tmp").write_bytes(b"x")
    server = run("--maps", "--maps-bytes", str(1 << 20))
    assert server.ask("GET", target).body == answer.body and len(os.listdir(folder)) == 1
    while len(os.listdir(folder)) == 1 + server.ask("GET", "/v1/findings?after=0").lines()[-1]["sequence"] - 3:
        assert server.post(SAMPLE.read_bytes()).json()["maps"]
    assert sum(path.stat().st_size for path in folder.iterdir()) <= 1 << 20
    assert server.ask("GET", target).json()["code"] == "map_gone"
    (folder / sorted(os.listdir(folder))[0]).write_bytes(b"no map")
    damaged = sorted(os.listdir(folder))[0][20:56]
    assert server.ask("GET", f"/v1/findings/{damaged}/map.jpg").json()["code"] == "not_read_back"
    server.stop()


@pytest.mark.parametrize("where", ["missing/maps", "file/maps"])
def test_a_folder_that_cannot_be_made_is_said(tmp_path, where):
    (tmp_path / "file").write_bytes(b"")
    found = ternd("infer", "--model", MODEL, "--maps", tmp_path / where, SAMPLE)
    assert found.returncode != 0 and "maps: " in found.stderr and found.stdout == ""
