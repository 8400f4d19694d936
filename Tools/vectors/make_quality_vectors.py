#!/usr/bin/env python3
"""Writes the golden vectors of TernQuality: planes with their blur effect and levels, and planes with text at known places.

    python3 -m venv env && env/bin/pip install -r Tools/vectors/requirements-quality.txt
    env/bin/python Tools/vectors/make_quality_vectors.py

Every plane is synthetic and comes from one seed. The blur effect is that of scikit-image (`blur_effect`, span 9), mean and deviation are NumPy's,
letters are drawn by Pillow in its own font.
"""
import json
import pathlib
import shutil

import numpy as np
import PIL
import scipy
import skimage
from PIL import Image, ImageDraw, ImageFont
from scipy import ndimage
from skimage.measure import blur_effect

SEED = 20_261_121
FOLDER = pathlib.Path(__file__).resolve().parents[2] / "Tests/Vectors/TernQuality"


def save(name, plane):
    Image.fromarray(plane).save(FOLDER / name)
    return {"file": name, "width": plane.shape[1], "height": plane.shape[0]}


def speckle(random, height, width, spread, level):
    """Rayleigh noise seen through a point spread function of `spread` pixels."""
    field = [ndimage.gaussian_filter(random.standard_normal((height, width)), (spread, 1.5 * spread)) for _ in range(2)]
    amplitude = np.hypot(*field)
    return np.clip(amplitude / amplitude.mean() * level, 0, 255)


def measured(random):
    noise = random.integers(0, 256, (40, 56)).astype(np.uint8)
    planes = {"noise": noise, "ramp": np.tile(np.arange(56, dtype=np.uint8) * 4, (40, 1)), "tall": noise.T[:, :9].copy(),
              "bright": np.clip(noise.astype(int) + 120, 0, 255).astype(np.uint8)}
    planes |= {f"blurred-{sigma}": np.rint(ndimage.gaussian_filter(noise.astype(float), sigma)).astype(np.uint8) for sigma in (0.5, 1, 2)}
    planes["speckle"] = np.rint(speckle(random, 64, 64, 1.2, 70)).astype(np.uint8)
    for name, plane in planes.items():
        yield save(f"{name}.pgm", plane) | {
            "blur": float(blur_effect(plane, h_size=9)), "mean": float(plane.mean()), "deviation": float(plane.std()),
            "saturated": float((plane >= 250).mean())}


def lettered(random):
    def draw(name, background, words, ink, stroke=0):
        image = Image.fromarray(np.rint(background).astype(np.uint8))
        pen, boxes = ImageDraw.Draw(image), []
        for x, y, letters, height in words:
            font = ImageFont.load_default(height)
            pen.text((x, y), letters, fill=ink, font=font, stroke_width=stroke)
            left, top, right, bottom = pen.textbbox((x, y), letters, font=font, stroke_width=stroke)
            boxes.append([int(left), int(top), int(np.ceil(right)), int(np.ceil(bottom))])
        return save(f"text-{name}.pgm", np.asarray(image)) | {"boxes": boxes}

    black = np.zeros((160, 240))
    yield draw("banner", black, [(6, 4, "DOE^JANE 1951-08-29", 13), (6, 24, "Adv Breast  MI 0.6", 15), (6, 130, "4.0cm", 18)], 220)
    bar = black.copy()
    bar[:24] = 50
    bar[24:] = speckle(random, 136, 240, 1.6, 60)
    yield draw("bar", bar, [(4, 5, "ZZZ TEST PATIENT 00079241", 12)], 165)
    yield draw("over-speckle", speckle(random, 160, 240, 1.6, 60), [(40, 70, "LEFT BREAST", 20)], 250)
    yield draw("dark-on-bright", np.full((160, 240), 205.0), [(10, 60, "Patient: Smith John", 16)], 20)
    yield draw("touching", black, [(8, 30, "Smith 1951-08-29", 16), (8, 90, "DOE JANE", 24)], 230, stroke=1)
    yield draw("large", black, [(10, 50, "KIDNEY R", 44)], 200)
    for index, spread in enumerate((2.0, 2.5, 4.0)):
        yield draw(f"none-speckle-{index}", speckle(random, 160, 240, spread, 80), [], 0)
    figures = Image.fromarray(np.zeros((160, 240), np.uint8))
    pen = ImageDraw.Draw(figures)
    pen.line((10, 150, 230, 20), fill=255, width=3)
    pen.ellipse((60, 40, 140, 120), outline=230, width=2)
    pen.rectangle((200, 20, 212, 140), fill=180)
    for y in range(10, 150, 20):
        pen.line((225, y, 232, y), fill=255)
    yield draw("none-figures", np.asarray(figures, float), [], 0)
    yield draw("none-ramp", np.tile(np.linspace(0, 255, 240), (160, 1)), [], 0)


def main():
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    random = np.random.default_rng(SEED)
    vector = {"generator": "Tools/vectors/make_quality_vectors.py", "seed": SEED, "licence": "synthetic, CC0",
              "versions": {"numpy": np.__version__, "pillow": PIL.__version__, "scipy": scipy.__version__, "scikit-image": skimage.__version__},
              "tolerance": "1e-6: scikit-image sums in binary64 what is summed here in integers", "measured": list(measured(random)), "text": list(lettered(random))}
    (FOLDER / "vector.json").write_text(json.dumps(vector, indent=1) + "\n")


if __name__ == "__main__":
    main()
