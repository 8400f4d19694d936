"""The Markdown of a comparison, from its JSON."""
import re

from peers.engines import ABSENT, BASE, ENGINES

LOADED = 0.3  # load average above which a run says so
BEGIN, END = "<!-- compare_peers: begin -->", "<!-- compare_peers: end -->"


def megabytes(count):
    return "" if count is None else f"{count / 1e6:.2f} MB" if count < 10e6 else f"{count / 1e6:.0f} MB"


def milliseconds(value):
    return "" if value is None else f"{value:.2f}" if value < 100 else f"{value:.0f}"


def times(document, model):
    """The rows of one model: a pair of columns for each thread count."""
    threads = document["threads"]
    head = ["engine", "cosine to PyTorch"]
    for count in threads:
        unit = f"{count} thread{'s' if count > 1 else ''}"
        head += [f"{unit}, median ms", "min ms"] + ([f"× {label(BASE)}"] if has_base(document, model, count) else [])
    if document["isa"]:
        head.append("instruction sets")
    rows = [head, ["---"] * len(head)]
    for engine in ENGINES:
        found = [document["times"].get(f"{model}/{count}", {}).get(engine.name) for count in threads]
        if not any(found):
            continue
        cosine = document["cosine"].get(f"{model}/{engine.name}")
        row = [f"**{engine.label}**" if engine.is_tern else engine.label, "" if cosine is None else f"{cosine:.5f}"]
        for count, result in zip(threads, found):
            row += [milliseconds(result["median_ms"]), milliseconds(result["min_ms"])] if result else ["", ""]
            if has_base(document, model, count):
                row.append(ratio(result) if result else "")
        if document["isa"]:
            row.append(kernels(document, engine, next(result for result in found if result)))
        rows.append(row)
    return table(rows)


def has_base(document, model, count):
    return BASE in document["times"].get(f"{model}/{count}", {})


def kernels(document, engine, result):
    if engine.is_tern:
        return ", ".join(result["kernels"])
    if engine.limit == "env":
        return "asked for " + document["isa"] + ("; its kernels say " + ", ".join(result["kernels"]) if result["kernels"] else "")
    return "no switch: this CPU's best"


def tern_tables(document):
    """The kernel tables that Tern's engines ran on, in the order of the runs."""
    runs = [run.get(engine.name) for run in document["times"].values() for engine in ENGINES if engine.is_tern]
    return list(dict.fromkeys(name for run in runs if run for name in run["kernels"]))


def where(key):
    """Of model/engine, model/threads/engine or model/costs/engine: what did not run."""
    model, *part, name = key.split("/")
    return f"{label(name)} ({', '.join([model, *(word if word == 'costs' else f'threads {word}' for word in part)])})"


def ratio(result):
    return "" if result.get("ratio") is None else f"{result['ratio']:.2f}"


def costs(document, model):
    rows = [["engine", "runtime on disk", "model file", "process start to first output, ms", "of it without the interpreter's start", "peak resident"],
            ["---"] * 6]
    for engine in ENGINES:
        cost = document["costs"].get(f"{model}/{engine.name}")
        if cost:
            rows.append([f"**{engine.label}**" if engine.is_tern else engine.label, megabytes(cost["runtime_bytes"]), megabytes(cost["model_bytes"]),
                         f"{cost['cold_ms']:.0f}",
                         "" if cost["cold_without_interpreter_ms"] is None else f"{cost['cold_without_interpreter_ms']:.0f}",
                         megabytes(cost["peak_resident_bytes"])])
    return table(rows)


def table(rows):
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def label(name):
    return next(engine.label for engine in ENGINES if engine.name == name)


def markdown(document):
    machine = document["machine"]
    scale = f"{document['rounds']} rounds of {document['per_turn']} inferences each"
    parts = [
        f"{machine['cpu']}, {machine['cores']} cores, {machine['kernel']}; {document['date']}; commit {document['commit']}"
        + (f"; instruction sets limited to {document['isa']} where that can be done" if document["isa"] else "")
        + f". Batch 1, one 224 × 224 image, {scale}. Load average at the start {machine['load']:.2f}"
        + (": other programs ran on these cores, the times are too long and scatter." if machine["load"] > LOADED else ".")]
    if tables := tern_tables(document):
        parts[0] += f" Tern's kernel table: {', '.join(tables)}."
    for model in document["models"]:
        parts += [f"**DeiT-{model.capitalize()}**", times(document, model)]
        if any(key.startswith(model + "/") for key in document["costs"]):
            parts.append(costs(document, model))
    absent = [f"{name}: {reason}" for name, reason in ABSENT.items()]
    absent += [f"{where(key)}: {reason}" for key, reason in document["not_run"].items()]
    parts.append("Not run:\n\n" + "\n".join(f"- {line}" for line in absent))
    versions = ", ".join(f"{name} {version}" for name, version in document["versions"].items())
    if versions:
        parts.append(f"Versions: {versions}.")
    return "\n\n".join(parts) + "\n"


def update(page, document):
    """Puts the tables between the two marks of a Markdown page."""
    text = page.read_text()
    if BEGIN not in text or END not in text:
        raise SystemExit(f"{page} has no lines {BEGIN} and {END}; put them where the tables should stand")
    page.write_text(re.sub(re.escape(BEGIN) + ".*?" + re.escape(END), lambda _: f"{BEGIN}\n{markdown(document)}{END}", text, flags=re.DOTALL))
