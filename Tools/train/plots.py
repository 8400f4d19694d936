"""The reliability diagram of a card as SVG: two panels, before and after temperature, readable on light and dark pages."""
from __future__ import annotations

SIDE, GAP, LEFT, TOP, BOTTOM = 240, 70, 52, 30, 46
STYLE = """text { font: 12px sans-serif; fill: #333 } .grid { stroke: #ccc } .frame { fill: none; stroke: #888 } .ideal { stroke: #888; stroke-dasharray: 4 3 }
.dot { fill: #2166ac; fill-opacity: 0.75; stroke: #fff } .gap { stroke: #b2182b; stroke-width: 2 }
@media (prefers-color-scheme: dark) { text { fill: #ddd } .grid { stroke: #444 } .dot { fill: #67a9cf; stroke: #222 } .gap { stroke: #ef8a62 } }"""


def reliability(bins: dict[str, list[dict]], name: str) -> str:
    """`bins` holds `before` and `after`, each a list of {count, score, right}. A dot's area is its share of the images, its
    distance from the diagonal the error."""
    width, height = LEFT + 2 * SIDE + GAP + 16, TOP + SIDE + BOTTOM
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img" '
             f'aria-label="Reliability diagram of {name}">', f"<style>{STYLE}</style>"]
    for place, (key, title) in enumerate((("before", "before temperature"), ("after", "after temperature"))):
        parts += panel(bins[key], title, LEFT + place * (SIDE + GAP))
    return "\n".join(parts) + "\n</svg>\n"


def panel(bins: list[dict], title: str, left: int) -> list[str]:
    total = sum(entry["count"] for entry in bins)
    error = sum(entry["count"] * abs(entry["score"] - entry["right"]) for entry in bins) / total

    def x(value: float) -> float:
        return round(left + value * SIDE, 1)

    def y(value: float) -> float:
        return round(TOP + (1 - value) * SIDE, 1)

    parts = [f'<text x="{x(0.5)}" y="{TOP - 12}" text-anchor="middle">{title}, error {error:.3f}</text>']
    for tick in (0, 0.25, 0.5, 0.75, 1):
        parts += [f'<path class="grid" d="M{x(tick)} {y(0)}V{y(1)}M{x(0)} {y(tick)}H{x(1)}"/>',
                  f'<text x="{x(tick)}" y="{y(0) + 16}" text-anchor="middle">{tick:g}</text>',
                  f'<text x="{x(0) - 6}" y="{y(tick) + 4}" text-anchor="end">{tick:g}</text>']
    parts += [f'<rect class="frame" x="{x(0)}" y="{y(1)}" width="{SIDE}" height="{SIDE}"/>',
              f'<path class="ideal" d="M{x(0)} {y(0)}L{x(1)} {y(1)}"/>']
    for entry in bins:
        radius = round(2.5 + 11 * (entry["count"] / total) ** 0.5, 1)
        parts += [f'<path class="gap" d="M{x(entry["score"])} {y(entry["score"])}V{y(entry["right"])}"/>',
                  f'<circle class="dot" cx="{x(entry["score"])}" cy="{y(entry["right"])}" r="{radius}"><title>{entry["count"]} images, mean score '
                  f'{entry["score"]:.3f}, right {entry["right"]:.3f}</title></circle>']
    parts.append(f'<text x="{x(0.5)}" y="{y(0) + 36}" text-anchor="middle">largest score</text>')
    parts.append(f'<text transform="translate({left - 38} {y(0.5)}) rotate(-90)" text-anchor="middle">share right</text>')
    return parts
