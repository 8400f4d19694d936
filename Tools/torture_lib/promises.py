"""What is promised, and what was found. A promise is broken by one finding against it, whatever else was found."""

import json

PROMISES = {
    "once": "every study that was answered with 202 has exactly one result",
    "sequence": "sequence numbers count without gap and without repeat",
    "whole": "every line of the findings is a whole result",
    "torn": "a torn tail is cut at the next start, and the start says how many bytes",
    "agrees": "what a waiting client was told is what the findings have",
    "order": "the results of one client's studies are in the order in which it sent them",
    "invented": "there is no result without a study that was sent",
    "right": "findings and digests are those of an undisturbed run",
    "withdrawn": "a study that was taken back with 500 or 507 has no result",
    "emptied": "when every study has its result, the queue holds nothing",
    "answered": "every request ends within its limit: with an answer of the contract, or a closed connection",
    "alive": "the service does not end unless it is told to",
    "audited": "the audit log has every result and every review once, in a chain without a fault",
    "unread": "only results that have been read are removed",
    "refuses": "a start that cannot succeed ends with a documented code and says why",
    "recovers": "a fault that has gone needs no restart",
    "stops": "SIGTERM ends it with 0, with nothing lost",
    "served": "clients that behave are served beside those that do not",
    "clock": "the time of day decides nothing but time stamps",
    "flat": "memory, descriptors and threads stay flat",
}


class Findings:
    """What one run found: for each promise how often it was looked at, what is against it, and figures."""

    def __init__(self):
        self.checked, self.against, self.notes, self.left_out, self.figures = {}, {}, [], [], {}
        self.compared = 0  # results that were held against an undisturbed run

    def check(self, promise, holds, evidence=""):
        assert promise in PROMISES, promise
        self.checked[promise] = self.checked.get(promise, 0) + 1
        if not holds:
            kept = self.against.setdefault(promise, [])
            if len(kept) < 20:
                kept.append(str(evidence() if callable(evidence) else evidence)[:2000])
        return bool(holds)

    def note(self, text):
        self.notes.append(text)

    def leave_out(self, text):
        """A part of the scenario that cannot run here. What is left may hold all the same; it is not the whole."""
        self.left_out.append(text)

    def broken(self):
        return sorted(self.against)

    def document(self):
        return {
            "promises": {name: {"sentence": PROMISES[name], "held": name not in self.against, "checked": count, "against": self.against.get(name, [])}
                         for name, count in sorted(self.checked.items())},
            "figures": self.figures, "notes": self.notes, "left_out": self.left_out}

    def lines(self):
        for name in PROMISES:
            if name in self.checked:
                yield f"{'broken' if name in self.against else 'held  '}  {name:9} {PROMISES[name]} ({self.checked[name]:,} times looked at)"
        for name, kept in self.against.items():
            for evidence in kept[:5]:
                yield f"        {name}: {evidence[:400]}"


def read_findings(state):
    """The lines of all findings, closed segments first, in order; each with its newline."""
    files = sorted((state / "findings").glob("*-*.jsonl"), key=lambda path: int(path.name.split("-")[0])) if (state / "findings").is_dir() else []
    lines = []
    for path in [*files, state / "findings.jsonl"]:
        if path.exists():
            lines += path.read_bytes().splitlines(keepends=True)
    return lines


def parsed(line):
    try:
        value = json.loads(line)
    except ValueError:
        return None
    return value if isinstance(value, dict) and line.endswith(b"\n") and value.get("schema") == "tern.result/1" else None


def essence(result):
    """What of a result must not depend on what happened to the process."""
    reason = result.get("reason") or {}
    frames = [[frame["status"], frame["digest"]] for frame in result.get("frames", [])]
    return [result["status"], reason.get("value"), result["digest"], result["findings"], result["outOfDistribution"], frames]
