"""Time against model size as SVG: one panel a model, logarithmic axes, one thread. No script, readable on light and on dark pages."""
import math
from xml.sax.saxutils import escape

from peers.engines import ENGINES

WIDTH, PANEL, LEFT, RIGHT, TOP, GAP = 880, 300, 74, 216, 104, 66
ROW = 17  # least distance of two labels
TICKS = (1, 2, 3, 5, 7, 10, 15, 20, 30, 50, 70, 100, 150, 200, 300, 500)
FAMILIES = (("tern", "t"), ("openvino", "o"), ("ort", "r"), ("litert", "l"), ("ncnn", "n"))
SHORT = {
    "tern-int8": "Tern INT8", "tern-t127": "Tern ternary 127", "tern-t63": "Tern ternary 63", "tern-t42": "Tern ternary 42",
    "openvino-int8": "OpenVINO INT8", "openvino-bf16": "OpenVINO bfloat16", "openvino-float": "OpenVINO FP32", "ort-dynamic": "ONNX Runtime dynamic",
    "ort-qdq": "ONNX Runtime QDQ", "ort-float": "ONNX Runtime FP32", "litert-int8": "LiteRT INT8", "litert-float": "LiteRT FP32",
    "ncnn-float": "ncnn FP32",
}
STYLE = """
:root { --page: #ffffff; --ink: #1f2933; --soft: #5b6875; --grid: #e3e8ee; --t: #00796b; --o: #1d5fbf; --r: #9a3fb5; --l: #b8560b; --n: #6b6f76 }
@media (prefers-color-scheme: dark) {
:root { --page: #12181f; --ink: #e8edf2; --soft: #9fb0c0; --grid: #26313c; --t: #3fe0c5; --o: #7fb2ff; --r: #dd9af2; --l: #ffb066; --n: #b4bac2 } }
text { font-family: system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; font-size: 12.5px; fill: var(--ink) }
.title { font-size: 18px; font-weight: 600 } .model { font-size: 14.5px; font-weight: 600 } .soft { fill: var(--soft) }
.grid { stroke: var(--grid); stroke-width: 1 } .link { fill: none; stroke-width: 1; opacity: .55 } .strong { font-weight: 650 }
.t { fill: var(--t); stroke: var(--t) } .o { fill: var(--o); stroke: var(--o) } .r { fill: var(--r); stroke: var(--r) }
.l { fill: var(--l); stroke: var(--l) } .n { fill: var(--n); stroke: var(--n) }
text.t, text.o, text.r, text.l, text.n { stroke: none } .hollow { fill: var(--page); stroke-width: 2 }
"""


class Scale:
    """A logarithmic axis from a range of values to a range of pixels."""

    def __init__(self, values, low, high, margin):
        self.least, self.most = math.log(min(values) / margin), math.log(max(values) * margin)
        self.low, self.high = low, high

    def __call__(self, value):
        return self.low + (math.log(value) - self.least) / (self.most - self.least) * (self.high - self.low)

    def ticks(self):
        return [tick for tick in TICKS if self.least <= math.log(tick) <= self.most]


def family(name):
    return next(letter for start, letter in FAMILIES if name.startswith(start))


def spread(wanted, least, most):
    """Positions near the wanted ones, in their order, at least ROW apart and inside the bounds where there is room."""
    order = sorted(range(len(wanted)), key=lambda index: wanted[index])
    placed = [wanted[index] for index in order]
    for _ in range(200):
        for first in range(len(placed) - 1):
            lack = ROW - (placed[first + 1] - placed[first])
            if lack > 0:
                placed[first] -= lack / 2
                placed[first + 1] += lack / 2
        placed = [min(max(position, least), most) for position in placed]
    result = [0.0] * len(wanted)
    for position, index in zip(placed, order):
        result[index] = position
    return result


def marker(name, bits, x, y):
    letter = family(name)
    if bits == "ternary":
        return f'<path class="{letter}" d="M{x:.1f} {y - 7:.1f}l7 7l-7 7l-7 -7z"/>'
    hollow = "" if bits == "int8" else " hollow"
    return f'<circle class="{letter}{hollow}" cx="{x:.1f}" cy="{y:.1f}" r="{6 if letter == "t" else 5}"/>'


def panel(document, model, top):
    found = document["times"][f"{model}/{document['threads'][0]}"]
    points = [(engine, document["sizes"][f"{model}/{engine.name}"] / 1e6, found[engine.name]["median_ms"]) for engine in ENGINES if engine.name in found]
    x = Scale([size for _, size, _ in points], LEFT, WIDTH - RIGHT, 1.18)
    y = Scale([time for _, _, time in points], top + PANEL, top, 1.18)
    parts = [f'<text class="model" x="{LEFT}" y="{top - 12}">DeiT-{model.capitalize()}</text>']
    for tick in x.ticks():
        parts.append(f'<path class="grid" d="M{x(tick):.1f} {top}V{top + PANEL}"/>')
        parts.append(f'<text class="soft" x="{x(tick):.1f}" y="{top + PANEL + 18}" text-anchor="middle">{tick} MB</text>')
    for tick in y.ticks():
        parts.append(f'<path class="grid" d="M{LEFT} {y(tick):.1f}H{WIDTH - RIGHT}"/>')
        parts.append(f'<text class="soft" x="{LEFT - 10}" y="{y(tick) + 4:.1f}" text-anchor="end">{tick} ms</text>')
    # Labels stand to the right of their column of points: file sizes fall into few columns.
    columns = []
    for point in sorted(points, key=lambda point: point[1]):
        if columns and x(point[1]) - x(columns[-1][0][1]) < 60:
            columns[-1].append(point)
        else:
            columns.append([point])
    for column in columns:
        start = max(x(size) for _, size, _ in column) + 22
        heights = spread([y(time) for _, _, time in column], top + 8, top + PANEL - 8)
        for (engine, size, time), height in zip(column, heights):
            letter, left, level = family(engine.name), x(size), y(time)
            parts.append(f'<path class="{letter} link" d="M{left + 8:.1f} {level:.1f}L{start - 4:.1f} {height:.1f}"/>')
            parts.append(marker(engine.name, engine.bits, left, level))
            text = f"{time:.1f}" if time < 100 else f"{time:.0f}"
            strong = " strong" if engine.is_tern else ""
            parts.append(f'<text class="{letter}{strong}" x="{start:.1f}" y="{height + 4.2:.1f}">{SHORT[engine.name]} · {text} ms</text>')
    return parts


def draw(document):
    models = [model for model in document["models"] if document["times"].get(f"{model}/{document['threads'][0]}")]
    height = TOP + len(models) * (PANEL + GAP) + 14
    threads = document["threads"][0]
    subtitle = (f"One 224 × 224 image, {threads} thread{'s' if threads > 1 else ''}, median; {document['machine']['cpu']}"
                + (f", limited to {document['isa']}" if document["isa"] else "") + f", {document['date']}. Lower and further left is better.")
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" role="img">',
        "<title>Time of one inference against the size of the model file, for Tern and its peers</title>", f"<style>{STYLE}</style>",
        f'<rect width="{WIDTH}" height="{height}" rx="10" style="fill: var(--page)"/>',
        f'<text class="title" x="{LEFT}" y="29">Time against model size</text>', f'<text class="soft" x="{LEFT}" y="50">{escape(subtitle)}</text>',
    ]
    for index, model in enumerate(models):
        parts += panel(document, model, TOP + index * (PANEL + GAP))
    keys = (("INT8 weights", "int8", 0), ("float weights", "f32", 120), ("ternary weights; 127, 63, 42: activation levels", "ternary", 240))
    for text, bits, offset in keys:
        left = LEFT + 6 + offset
        parts += [marker("ncnn", bits, left, height - 16), f'<text class="soft" x="{left + 14}" y="{height - 11.5}">{text}</text>']
    parts.append("</svg>")
    return "\n".join(parts) + "\n"
