"""What was sent and what was answered, and whether the state directory agrees with it."""

import http.client
import json
import random
import threading
import time

from . import audited, images
from .promises import essence, parsed, read_findings
from .service import LIMIT

KNOWN = {200, 202, 400, 413, 415, 422, 500, 503, 504, 507}


class Ledger:
    def __init__(self, findings):
        self.findings = findings
        self.lock = threading.Lock()
        self.orders = []       # of each client's connection: ids that were accepted or answered, in order
        self.accepted = set()  # 202
        self.seen = {}         # id: the line a waiting client was given
        self.recorded = {}     # id: sequence a waiting client was given with a refusal
        self.withdrawn = set() # ids that were taken back (500, 507)
        self.kept = set()      # 503 with an id: answered by the next start
        self.reviews = {}      # number of a review: the answer to it
        self.read = {}         # sequence: the line that a follower was given and confirmed later
        self.may_lose_head = False  # audit/head cannot be made under a fault, and the next start says so
        self.bodies = set()
        self.unsure = 0
        self.statuses = {}

    def answer(self, order, waits, status, content, unit):
        """Notes one answer. `order` is the client's own."""
        check = self.findings.check
        with self.lock:
            self.statuses[status] = self.statuses.get(status, 0) + 1
            self.bodies.add(images.digest(unit))
            if not check("answered", status in KNOWN, f"{status}: {content[:300]!r}"):
                return
            try:
                value = json.loads(content)
            except ValueError:
                check("answered", status in (400, 413), f"{status} is not JSON: {content[:300]!r}")
                return
            identifier = value.get("id")
            if status == 200:
                check("answered", waits and parsed(content) is not None, f"200 is no result: {content[:300]!r}")
                self.seen[identifier] = content
                order.append(identifier)
            elif status == 202:
                check("answered", not waits, f"202 for wait=1: {content[:300]!r}")
                self.accepted.add(identifier)
                order.append(identifier)
            elif status == 504:
                self.kept.add(identifier)
            elif status == 503 and identifier:
                self.kept.add(identifier)
            elif identifier and "sequence" in value:
                self.recorded[identifier] = value["sequence"]
                order.append(identifier)
            elif identifier:
                self.withdrawn.add(identifier)

    def lost(self, body):
        """A connection that ended before its answer: the study may have been taken."""
        with self.lock:
            self.unsure += 1
            self.bodies.add(images.digest(body))

    def new_order(self):
        order = []
        with self.lock:
            self.orders.append(order)
        return order

    def verify(self, state, references, may_fail=(), ends=True, may_return=False):
        """Compares with what lies in the state directory. `references`: essence by model and input digest; `may_fail`: reasons that a fault
        explains; `ends`: every study has been answered; `may_return`: a study that was taken back may have a result, since the process was
        killed while its removal failed."""
        check = self.findings.check
        lines = read_findings(state)
        if not ends and lines and not lines[-1].endswith(b"\n"):
            lines.pop()  # the next start cuts it
        results = []
        for number, line in enumerate(lines, 1):
            value = parsed(line)
            if check("whole", value is not None, f"line {number}: {line[:300]!r}"):
                results.append((value, line))
        results = self._with_removed(results)
        for place, (value, _) in enumerate(results):
            check("sequence", value["sequence"] == place + 1, f"place {place + 1} has sequence {value['sequence']}")
        place = {}
        for index, (value, _) in enumerate(results):
            check("once", value["id"] not in place, f"{value['id']} has results {place.get(value['id'])} and {index}")
            place.setdefault(value["id"], index)
        if ends:
            for identifier in self.accepted | self.kept:
                check("once", identifier in place, f"{identifier} was accepted and has no result")
            left = [path.name for path in (state / "queue").iterdir()] if (state / "queue").exists() else []
            check("emptied", left == [], f"left in the queue: {left[:5]}")
        for identifier, content in self.seen.items():
            check("agrees", identifier in place and results[place[identifier]][1] == content,
                  f"{identifier}: told {content[:200]!r}, found {results[place[identifier]][1][:200] if identifier in place else None!r}")
        for identifier, sequence in self.recorded.items():
            check("agrees", identifier in place and results[place[identifier]][0]["sequence"] == sequence, f"{identifier} was told sequence {sequence}")
        for identifier in self.withdrawn if not may_return else ():
            check("withdrawn", identifier not in place, f"{identifier} was taken back and has a result")
        for order in self.orders:
            places = [place[identifier] for identifier in order if identifier in place]
            check("order", places == sorted(places), f"order of results {places[:50]}")
        known = self.accepted | set(self.seen) | set(self.recorded) | self.kept | self.withdrawn
        unknown = [identifier for identifier in place if identifier not in known]
        check("invented", len(unknown) <= self.unsure, f"{len(unknown)} results nobody was told of, {self.unsure} unanswered requests: {unknown[:5]}")
        for value, _ in results:
            self._check_result(value, references, may_fail)
        audited.verify(check, state, results, self.reviews, ends, self.may_lose_head)
        self.findings.figures["results"] = len(results)
        return results

    def _with_removed(self, results):
        """What was removed from the disk stands in front as it was read; what is in both is the same."""
        first = results[0][0]["sequence"] if results else 1
        for value, line in results:
            self.findings.check("agrees", self.read.get(value["sequence"], line) == line, f"a follower was given another result {value['sequence']}")
        for sequence in range(1, first):
            self.findings.check("unread", sequence in self.read, f"{sequence} was removed, and nobody had read it")
        if first > 1:
            self.findings.figures["results removed"] = first - 1
        return [(value, self.read[sequence]) for sequence in range(1, first) if sequence in self.read and (value := parsed(self.read[sequence]))] + results

    def _check_result(self, value, references, may_fail):
        check = self.findings.check
        digest = value["input"]["sha256"]
        if value["status"] == "failed" and value["reason"]["value"] in may_fail:
            return
        check("invented", digest in self.bodies, f"{value['id']}: nothing with the digest {digest} was sent")
        expected = references.get((value["model"]["digest"], digest))
        if expected is not None:
            self.findings.compared += 1
            check("right", essence(value) == expected, f"{value['id']}: {essence(value)}, undisturbed {expected}")


class Reviewer(threading.Thread):
    """Says something of results that waiting clients were given, until the service has gone."""

    def __init__(self, service, ledger, seed):
        super().__init__(daemon=True)
        self.service, self.ledger, self.random = service, ledger, random.Random(seed)
        self.stopping = threading.Event()

    def run(self):
        while not self.stopping.is_set():
            with self.ledger.lock:
                known = list(self.ledger.seen)[-20:]
            if known:
                body = json.dumps({"decision": self.random.choice(["accept", "reject"]), "note": "n" * self.random.randrange(1, 2000)}).encode()
                try:
                    status, content = self.service.ask("POST", f"/v1/findings/{self.random.choice(known)}/review", body, "application/json")
                except TimeoutError:
                    self.ledger.findings.check("answered", False, "no answer to a review")
                    return
                except (OSError, http.client.HTTPException):
                    return
                with self.ledger.lock:
                    # 404: a result of an earlier run that is not in memory any more.
                    if self.ledger.findings.check("answered", status in (201, 404, 500, 503, 507), f"a review: {status} {content[:300]!r}") and status == 201:
                        self.ledger.reviews[json.loads(content)["review"]] = content
            self.stopping.wait(0.005)


class Sender(threading.Thread):
    """Sends studies until the service has gone, it is told to stop, or it has sent `count`."""

    def __init__(self, service, ledger, files, seed, count=None, share_waiting=0.3, limit=LIMIT, pause=0.0):
        super().__init__(daemon=True)
        self.service, self.ledger, self.files, self.count = service, ledger, files, count
        self.random, self.share_waiting, self.limit, self.pause = random.Random(seed), share_waiting, limit, pause
        self.stopping = threading.Event()
        self.times, self.sent = [], 0

    def run(self):
        order, connection, body = self.ledger.new_order(), None, None
        while not self.stopping.is_set() and (self.count is None or self.sent < self.count):
            kind, body = self.random.choice(self.files)
            waits = self.random.random() < self.share_waiting
            started, asked = time.monotonic(), False
            try:
                connection = connection or self.service.connect(self.limit)
                if connection.sock is None:
                    connection.connect()
                asked = True
                connection.request("POST", "/v1/studies" + ("?wait=1" if waits else ""), body, {"Content-Type": kind})
                answer = connection.getresponse()
                content = answer.read()
            except TimeoutError:
                self.ledger.findings.check("answered", False, f"no answer within {self.limit} s")
                self.ledger.lost(body)
                return
            except (OSError, http.client.HTTPException, ValueError):
                if asked:
                    self.ledger.lost(body)
                if connection is not None:
                    connection.close()
                if not self.service.is_alive or not asked:
                    return
                # The connection alone was ended; the next study goes over another one.
                connection, order = None, self.ledger.new_order()
                continue
            self.times.append(time.monotonic() - started)
            self.sent += 1
            if answer.will_close:
                connection.close()
                connection = None
            self.ledger.answer(order, waits, answer.status, content, body)
            if self.pause or answer.status in (503, 507):
                self.stopping.wait(self.pause or 0.005)
        if connection is not None:
            connection.close()
