"""Whether the audit log says what happened, by the description in docs/audit.md and no code of the service."""

import hashlib
import json


def records(state, ends):
    """The lines of all files of the log, each without its line feed. Without `ends` the last may be torn: the next start cuts it."""
    folder, lines = state / "audit", []
    for path in [*sorted(folder.glob("0*.jsonl")), folder / "audit.jsonl"]:
        if path.exists():
            parts = path.read_bytes().split(b"\n")
            if parts[-1] and ends:
                parts.append(b"")
            lines += parts[:-1]
    return lines


def verify(check, state, results, reviews, ends, may_lose_head=False):
    """The chain has no fault, and holds exactly one record for each result and each review, of the very bytes. `results`: pairs of a result and its
    line; `reviews`: numbers of reviews and the answers of which clients were told."""
    previous, recorded, reviewed = "0" * 64, {}, {}
    lines = records(state, ends)
    for number, line in enumerate(lines, 1):
        covered, mark, _ = line.rpartition(b',"hash":"')
        try:
            record = json.loads(line)
        except ValueError:
            check("audited", False, f"record {number} is none: {line[:200]!r}")
            return
        whole = mark and record["hash"] == hashlib.sha256(covered).hexdigest()
        if not check("audited", whole and record["number"] == number and record["previous"] == previous, f"record {number} does not go on the chain: {line[:300]!r}"):
            return
        previous = record["hash"]
        if record["event"] == "result":
            check("audited", record["sequence"] not in recorded, f"result {record['sequence']} has two records")
            recorded[record["sequence"]] = record["line"]
        elif record["event"] == "review":
            check("audited", record["review"] not in reviewed, f"review {record['review']} has two records")
            reviewed[record["review"]] = record["line"]
        lost = ("tail_missing", "unaudited", "findings_missing") + (() if may_lose_head else ("head_missing",))
        check("audited", record["event"] not in lost, f"record {number} says that something is missing: {line[:300]!r}")
    stored = {}
    path = state / "reviews.jsonl"
    for line in path.read_bytes().splitlines(keepends=True) if path.exists() else []:
        if line.endswith(b"\n") or ends:
            value = json.loads(line)
            check("audited", value["review"] == len(stored) + 1, f"review {value['review']} in place {len(stored) + 1}")
            stored[value["review"]] = line
    for number, answer in reviews.items():
        check("audited", stored.get(number, b"").strip() == answer.strip(), f"review {number}: told {answer[:200]!r}, found {stored.get(number)!r}")
    if not ends:
        return
    head = state / "audit/head"
    check("audited", head.exists() and head.read_text() == f"{len(lines):018} {previous}\n", "audit/head is not the last record's")
    for value, line in results:
        digest = hashlib.sha256(line.rstrip(b"\n")).hexdigest()
        check("audited", recorded.get(value["sequence"]) == digest, f"result {value['sequence']} has the record {recorded.get(value['sequence'])}, its line is {digest}")
    check("audited", len(recorded) <= len(results), f"{len(recorded)} records of results, {len(results)} results")
    for number, line in stored.items():
        digest = hashlib.sha256(line.rstrip(b"\n")).hexdigest()
        check("audited", reviewed.get(number) == digest, f"review {number} has the record {reviewed.get(number)}, its line is {digest}")
    check("audited", len(reviewed) == len(stored), f"{len(reviewed)} records of reviews, {len(stored)} reviews")
