"""Runs scenarios one after another and says what held."""

import pathlib
import shutil
import sys
import tempfile
import time
import traceback

from . import clients, clock, disk, faults, kills, report, soak, watch
from .context import Context, Skipped
from .promises import PROMISES
from .service import Hung

SCENARIOS = {
    "kills": (kills.run, "200 kills at random moments under load, inside calls and while it starts"),
    "faults": (faults.run, "calls to disk and memory that fail, at the start and under load"),
    "disk": (disk.run, "a small file system that runs full (needs root)"),
    "clients": (clients.run, "64 clients, half of which misbehave, for a minute"),
    "clock": (clock.run, "the time of day jumps forth and back"),
    "watch": (watch.run, "a watched folder with kills and faults"),
    "soak": (soak.run, "half an hour of mixed load: memory and descriptors stay flat"),
}


def one(name, folder, ternd, seconds=None, seed=1, count=None, quiet=False, **more):
    """Runs one scenario. Gives its document; `folder` is empty or missing before."""
    context = Context(name, folder, ternd, seconds, seed, count, quiet)
    document = {"scenario": name, "seed": seed}
    try:
        SCENARIOS[name][0](context, **more)
        # A run that has no result of a file whose undisturbed result is known has proved nothing of findings and digests.
        context.check("right", context.findings.compared > 0, "no result was compared with that of an undisturbed run")
        context.figures["results compared"] = context.findings.compared
    except Skipped as reason:
        document["skipped"] = str(reason)
    except Hung as error:
        context.check("answered", False, str(error))
    except Exception:
        context.close()
        document["error"] = traceback.format_exc()
    finally:
        context.close()
    document |= context.findings.document()
    document |= {"seconds": round(context.elapsed, 1), "lines": list(context.findings.lines()), "broken": context.findings.broken()}
    return document


def main(options):
    if options.list:
        for name, (_, what) in SCENARIOS.items():
            print(f"{name:10} {what}")
        return 0
    if not options.ternd.exists():
        print(f"{options.ternd} is not there; build it with: swift build -c release --product ternd", file=sys.stderr)
        return 69
    base = options.keep or pathlib.Path(tempfile.mkdtemp(prefix="tern-torture-"))
    documents = []
    for name in options.scenario or SCENARIOS:
        folder = base / name
        shutil.rmtree(folder, ignore_errors=True)
        more = {"svg": options.svg, "samples": options.json} if name == "soak" else {}
        document = one(name, folder, options.ternd.resolve(), options.seconds, options.seed, options.count, **more)
        documents.append(document)
        bad = document["broken"] or "error" in document
        print(f"{name}: {'skipped, ' + document['skipped'] if 'skipped' in document else str(document['seconds']) + ' s, seed ' + str(options.seed)}")
        for line in document["lines"]:
            print("  " + line)
        for text in document["left_out"]:
            print(f"  SKIPPED IN PART: {text}")
        for key, value in document["figures"].items():
            print(f"  {key}: {value}")
        for note in document["notes"]:
            print(f"  note: {note}")
        if "error" in document:
            print(document["error"])
        if bad:
            document["kept"] = str(folder)
            print(f"  kept: {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)
        sys.stdout.flush()
        for path in options.report:
            report.write(path, documents, options)
    return close(documents)


def close(documents):
    """One line for each promise over all scenarios."""
    print()
    broken = False
    for name, sentence in PROMISES.items():
        parts = [document["promises"][name] for document in documents if name in document["promises"]]
        if parts:
            held = all(part["held"] for part in parts)
            broken |= not held
            print(f"{'held  ' if held else 'BROKEN'} {name}: {sentence} ({sum(part['checked'] for part in parts):,})")
    for document in documents:
        if "skipped" in document or document["left_out"]:
            print(f"skipped{'' if 'skipped' in document else ' in part'}: {document['scenario']}: {document.get('skipped') or '; '.join(document['left_out'])}")
    failed = [document["scenario"] for document in documents if "error" in document]
    if failed:
        print(f"did not run to their end: {', '.join(failed)}")
    print(f"{time.strftime('%Y-%m-%d %H:%M:%S', time.gmtime())} UTC")
    return 1 if broken or failed else 0
