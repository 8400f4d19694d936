"""Draws memory and descriptors of a soak as SVG, for light and dark pages."""

WIDTH, LEFT, RIGHT = 760, 62, 20
PANELS = [("resident memory, MB", 1, 1e6, 40, 170), ("open descriptors", 2, 1, 250, 90), ("studies, thousands", 4, 1e3, 380, 90)]


def _nice(top):
    """A step that gives about four lines up to `top`."""
    step = 10 ** len(str(int(top))) / 100
    for factor in (1, 2, 5, 10, 20, 50, 100):
        if top / (step * factor) <= 5:
            return step * factor
    return top


def draw(document):
    samples = document["samples"]
    end = samples[-1][0]
    height = PANELS[-1][3] + PANELS[-1][4] + 44
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="system-ui, sans-serif" font-size="12" role="img" '
           f'aria-label="Memory and descriptors of ternd over {end / 60:.0f} minutes of load">',
           "<style>.t{fill:#1b2430}.g{stroke:#d9dee5}.l{fill:none;stroke:#1f6feb;stroke-width:1.5}"
           "@media(prefers-color-scheme:dark){.t{fill:#e3e7ec}.g{stroke:#333b45}.l{stroke:#6cb6ff}}</style>",
           f'<text class="t" x="{LEFT}" y="18" font-weight="600">ternd serve, {end / 60:.0f} minutes of mixed load, {samples[-1][4]:,} studies</text>']
    plot_width = WIDTH - LEFT - RIGHT
    for title, column, unit, top, tall in PANELS:
        values = [sample[column] / unit for sample in samples]
        step = _nice(max(values) or 1)
        most = step * (int(max(values) / step) + 1)
        out.append(f'<text class="t" x="{LEFT}" y="{top + 2}">{title}</text>')
        base = top + 12 + tall
        for line in range(int(round(most / step)) + 1):
            y = base - line * step / most * tall
            out.append(f'<line class="g" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
                       f'<text class="t" x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{line * step:g}</text>')
        thin = max(1, len(samples) // 600)
        points = " ".join(f"{LEFT + sample[0] / end * plot_width:.1f},{base - sample[column] / unit / most * tall:.1f}" for sample in samples[::thin])
        out.append(f'<polyline class="l" points="{points}"/>')
    minutes = end / 60
    step = next(step for step in (0.1, 0.5, 1, 2, 5, 10, 30, 60, 600) if minutes / step <= 8)
    for index in range(int(minutes / step) + 1):
        x = LEFT + index * step * 60 / end * plot_width
        out.append(f'<text class="t" x="{x:.1f}" y="{height - 14}" text-anchor="middle">{index * step:g}</text>')
    out.append(f'<text class="t" x="{WIDTH - RIGHT}" y="{height - 1}" text-anchor="end">minutes</text></svg>')
    return "\n".join(out) + "\n"
