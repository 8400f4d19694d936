"""The report of a run, as JSON or as one HTML page."""

import html
import json
import platform
import time


def write(path, documents, options):
    whole = {
        "schema": "tern.torture/1", "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "machine": f"{platform.machine()}, Linux {platform.release()}",
        "seed": options.seed, "scenarios": documents}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(page(whole) if path.suffix == ".html" else json.dumps(whole, indent=1) + "\n")


STYLE = """body{font:15px/1.5 system-ui,sans-serif;max-width:60em;margin:2em auto;padding:0 1em;color:#1b2430;background:#fff}
table{border-collapse:collapse;width:100%;margin:.5em 0 1.5em}td,th{text-align:left;padding:.3em .8em .3em 0;border-bottom:1px solid #d9dee5;vertical-align:top}
.held{color:#176b3a}.broken{color:#b3261e;font-weight:600}pre{background:#f4f6f8;padding:.7em;overflow:auto;font-size:12px}
@media(prefers-color-scheme:dark){body{color:#e3e7ec;background:#15191e}td,th{border-color:#333b45}pre{background:#1e242b}.held{color:#6fcf97}.broken{color:#ff8a80}}"""


def page(whole):
    out = [f"<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'><title>Torture of ternd</title><style>{STYLE}</style>",
           f"<h1>Torture of ternd</h1><p>{html.escape(whole['time'])}, {html.escape(whole['machine'])}, seed {whole['seed']}.</p>"]
    for document in whole["scenarios"]:
        out.append(f"<h2>{html.escape(document['scenario'])}</h2>")
        if "skipped" in document:
            out.append(f"<p>Skipped: {html.escape(document['skipped'])}.</p>")
            continue
        out.append(f"<p>{document['seconds']} s.</p><table><tr><th>promise<th>looked at<th>")
        for part in document["promises"].values():
            word = "held" if part["held"] else "broken"
            out.append(f"<tr><td>{html.escape(part['sentence'])}<td>{part['checked']:,}<td class={word}>{word}")
            if part["against"]:
                out.append(f"<tr><td colspan=3><pre>{html.escape(chr(10).join(part['against']))}</pre>")
        out.append("</table><table>")
        for key, value in document["figures"].items():
            shown = ", ".join(f"{name}: {many}" for name, many in value.items()) if isinstance(value, dict) else value
            out.append(f"<tr><td>{html.escape(key)}<td>{html.escape(str(shown))}")
        out.append("</table>")
        out += [f"<p class=broken>Skipped in part: {html.escape(text)}</p>" for text in document["left_out"]]
        out += [f"<p>{html.escape(note)}</p>" for note in document["notes"]]
        if "error" in document:
            out.append(f"<pre>{html.escape(document['error'])}</pre>")
        if "kept" in document:
            out.append(f"<p>The folder is kept: <code>{html.escape(document['kept'])}</code></p>")
    return "\n".join(out) + "\n"
