"""Live frames: of each source the newest, over HTTP and in sealed memory; deadlines; hostile clients of the socket of frames."""

import errno
import fcntl
import json
import mmap
import os
import pathlib
import signal
import socket
import threading

import numpy as np
import pytest
from frames import SEALS, Frames, head, memory
from harness import CONTRACT, LIMIT, Answer, dicom, jpeg, png

FRAME = {"$ref": "#/components/schemas/LiveResult"}
PNG = {"Content-Type": "image/png"}


@pytest.fixture
def serve(start, tmp_path):
    """Starts a server with a socket of frames, and opens clients of it."""
    clients = []

    def run(*more, **options):
        server = start("--frames", tmp_path / "frames.sock", *more, **options)

        def client():
            clients.append(Frames(tmp_path / "frames.sock"))
            return clients[-1]

        def status():
            connection.request("GET", "/v1/status")
            answer = Answer(connection.getresponse())
            CONTRACT.check("GET", "/v1/status", answer)
            return answer.json()

        # One connection for every question, so that descriptors can be counted.
        connection = server.connect()
        clients.append(connection)
        server.frames, server.status = client, status
        server.status()
        return server

    yield run
    for client in clients:
        client.close()


def descriptors(server):
    return len(list(pathlib.Path(f"/proc/{server.process.pid}/fd").iterdir()))


def threads(server):
    return [(task / "comm").read_text().strip() for task in pathlib.Path(f"/proc/{server.process.pid}/task").iterdir()]


def live(server):
    return server.status()["live"]


def score(result, label="white"):
    return next(finding["score"] for finding in result["findings"] if finding["label"] == label)


def refused(frames, code, status=400):
    token, found, body = frames.answer()
    CONTRACT.validate({"$ref": "#/components/schemas/Problem"}, body)
    assert (found, body["status"], body["code"]) == (status, status, code), body
    return token


# Over HTTP


@pytest.mark.parametrize("kind, body", [("image/png", png(200)), ("image/jpeg", jpeg(200)), ("application/dicom", dicom(value=200))])
def test_a_frame_is_answered_and_not_kept(start, kind, body):
    server = start()
    answer = server.ask("POST", "/v1/frames", body, {"Content-Type": kind})
    result = answer.json()
    study = server.post(body, kind).json()
    assert answer.status == 200 and result["schema"] == "tern.frame/1" and result["frame"] == 1 and result["superseded"] == 0
    # The same answer as a study's, but for what says which one it is.
    assert [result[name] for name in ("findings", "digest", "quality", "model")] == [study[name] for name in ("findings", "digest", "quality", "model")]
    assert result["input"]["sha256"] is None and study["sequence"] == 1
    assert server.status()["live"] == {
        "received": 1, "analysed": 1, "superseded": 0, "late": 0, "abandoned": 0, "refused": 0, "waiting": 0, "connections": 0,
        "connections_dropped": 0}
    assert list((server.state / "queue").iterdir()) == []


def test_frames_that_are_refused(start):
    server = start(model="dx.tern")
    for body, kind, status, code in [
        (b"", "image/png", 400, "empty_input"), (png(), "image/jpeg", 415, "kind_mismatch"), (png(), "text/plain", 415, "unknown_kind"),
        (png()[:60], "image/png", 400, "unreadable"), (dicom(frames=[1, 2]), "application/dicom", 422, "unfit"),
        (dicom(modality="MR"), "application/dicom", 422, "unfit")]:
        answer = server.ask("POST", "/v1/frames", body, {"Content-Type": kind})
        assert (answer.status, answer.json()["code"]) == (status, code), answer.json()
    assert server.ask("POST", "/v1/frames?modality=MR", png(), PNG).json()["reason"]["value"] == "MODALITY-OTHER"
    assert server.ask("POST", "/v1/frames?modality=DX", png(), PNG).json()["input"]["modality"]["checked"]
    for query in ["deadline_ms=0", "deadline_ms=x", "deadline_ms=3600001", "source=x", "wait=1", "source=1&source=1"]:
        assert server.ask("POST", "/v1/frames?" + query, png(), PNG).status == 400
    assert server.ask("GET", "/v1/frames").status == 405


def ask_later(server, target, body, kind="image/png"):
    connection = server.connect()
    connection.request("POST", target, body, {"Content-Type": kind})
    return lambda: (Answer(connection.getresponse()), connection.close())[0]


def busy(server, until=1):
    """Until the worker reads a study."""
    server.post(png(side=64), wait=False)
    server.wait_for(lambda status: status["queue"]["pending"] >= until and status["queue"]["waiting"] == 0)


def test_the_newest_frame_of_a_source_wins(start):
    server = start(model="slow.tern")
    busy(server)
    older = [ask_later(server, "/v1/frames?source=7", png(10 + n, 64)) for n in range(3)]
    server.wait_for(lambda status: status["live"]["received"] == 3)
    other = ask_later(server, "/v1/frames?source=8", png(99, 64))
    server.wait_for(lambda status: status["live"]["received"] == 4)
    newest = ask_later(server, "/v1/frames?source=7", png(20, 64))
    for answer in [ask() for ask in older]:
        assert (answer.status, answer.json()["code"]) == (409, "superseded")
        CONTRACT.check("POST", "/v1/frames", answer)
    answer = newest()
    assert answer.status == 200 and answer.json()["superseded"] == 3 and answer.json()["frame"] == 5
    assert other().status == 200
    counts = live(server)
    assert (counts["received"], counts["analysed"], counts["superseded"]) == (5, 2, 3)
    # Without a number the process is the source.
    busy(server)
    first = ask_later(server, "/v1/frames", png(1, 64))
    server.wait_for(lambda status: status["live"]["received"] == 6)
    second = ask_later(server, "/v1/frames", png(2, 64))
    assert first().status == 409 and second().status == 200


def test_a_frame_has_its_turn_between_studies_and_studies_between_frames(serve):
    server = serve("--queue", "20", model="slow.tern")
    for _ in range(6):
        assert server.post(png(side=64), wait=False).status == 202
    frames = server.frames()
    white = np.full((64, 64), 255, np.uint8)
    done = 0
    for token in range(1, 5):
        frames.picture(white, token)
        assert frames.answer()[:2] == (token, 200)
        now = server.status()["results"]["last_sequence"]
        # Each frame waited for one study at most, though others waited before it; and none of them ran without a study between them.
        assert now <= done + 2
        done = now
    status = server.wait_for(lambda status: status["queue"]["pending"] == 0)
    assert status["results"]["last_sequence"] == 6 and status["live"]["analysed"] == 4


def test_a_frame_has_its_turn_between_the_frames_of_a_cine(serve):
    server = serve(model="slow.tern")
    server.post(dicom(frames=[1] * 12, side=64), "application/dicom", wait=False)
    server.wait_for(lambda status: status["queue"]["pending"] == 1 and status["queue"]["waiting"] == 0)
    frames = server.frames()
    frames.picture(np.zeros((64, 64), np.uint8), 5)
    assert frames.answer()[:2] == (5, 200)
    assert server.status()["results"]["last_sequence"] == 0
    result = server.wait_for(lambda status: status["results"]["last_sequence"] == 1)
    assert result["live"]["analysed"] == 1


# Deadlines


def test_a_study_keeps_its_place_past_the_deadline_of_its_client(start):
    server = start(model="slow.tern")
    busy(server)
    answer = server.ask("POST", "/v1/studies?wait=1&deadline_ms=1", png(side=64), PNG)
    assert (answer.status, answer.json()["code"]) == (504, "deadline_passed")
    server.wait_for(lambda status: status["results"]["last_sequence"] == 2)
    assert server.ask("GET", "/v1/findings/" + answer.json()["id"]).json()["status"] == "succeeded"
    answer = server.ask("POST", "/v1/studies?wait=1&deadline_ms=60000", png(side=64), PNG)
    assert answer.status == 200
    assert server.ask("POST", "/v1/studies?deadline_ms=5", png(), PNG).json()["code"] == "bad_query"


def test_a_late_frame_is_dropped(serve):
    server = serve(model="slow.tern")
    busy(server)
    answer = server.ask("POST", "/v1/frames?deadline_ms=1", png(side=64), PNG)
    assert (answer.status, answer.json()["code"]) == (504, "deadline_passed")
    frames = server.frames()
    frames.picture(np.zeros((64, 64), np.uint8), 9, deadline=1)
    assert refused(frames, "deadline_passed", 504) == 9
    # The one that is being read when its deadline passes, too: there is one answer.
    server.wait_for(lambda status: status["queue"]["pending"] == 0)
    frames.picture(np.zeros((64, 64), np.uint8), 10, deadline=5)
    assert refused(frames, "deadline_passed", 504) == 10
    frames.picture(np.zeros((64, 64), np.uint8), 11, deadline=60000)
    assert frames.answer()[:2] == (11, 200)
    counts = live(server)
    assert (counts["received"], counts["late"], counts["analysed"]) == (4, 3, 1)


# In sealed memory


def noise(*shape, kind=np.uint8):
    return np.random.default_rng(7).integers(0, np.iinfo(kind).max, shape, kind, endpoint=True)


@pytest.mark.parametrize("padding", [0, 6])
@pytest.mark.parametrize("picture", [noise(8, 8), noise(61, 47), noise(33, 130, kind=np.uint16), noise(20, 30, 3)])
def test_pictures_are_read_where_they_lie(serve, picture, padding):
    """The same bits as of a PNG of the same pixels."""
    import io

    from PIL import Image

    server = serve()
    out = io.BytesIO()
    Image.fromarray(picture).save(out, "PNG")
    frames = server.frames()
    frames.picture(picture, 77, padding)
    token, status, result = frames.answer()
    CONTRACT.validate(FRAME, result)
    assert (token, status, result["status"]) == (77, 200, "succeeded")
    assert result["input"]["kind"] == ("rgb8" if picture.ndim == 3 else "grey8" if picture.itemsize == 1 else "grey16")
    same = server.ask("POST", "/v1/frames", out.getvalue(), PNG).json()
    assert (result["digest"], result["findings"], result["quality"]) == (same["digest"], same["findings"], same["quality"])


def test_twelve_bits_in_words_of_sixteen(serve):
    server = serve()
    frames = server.frames()
    frames.picture(np.full((8, 8), 4095, np.uint16), 1, bits=12)
    assert score(frames.answer()[2]) == 1
    frames.picture(np.full((8, 8), 4095, np.uint16), 2)
    assert score(frames.answer()[2]) < 0.5


@pytest.mark.parametrize("kind, body", [("image/png", png(200)), ("image/jpeg", jpeg(200)), ("application/dicom", dicom(value=200))])
def test_files_in_memory(serve, kind, body):
    server = serve()
    frames = server.frames()
    frames.put(kind, body)
    result = frames.answer()[2]
    CONTRACT.validate(FRAME, result)
    assert result["digest"] == server.ask("POST", "/v1/frames", body, {"Content-Type": kind}).json()["digest"]
    frames.put("application/dicom", dicom(modality="MR"), modality=b"US")
    assert frames.answer()[1] == 200


def test_a_picture_the_gate_refuses(serve):
    server = serve(model="gated.tern")
    frames = server.frames()
    frames.picture(np.full((8, 8), 9, np.uint8))
    assert frames.answer()[2]["reason"]["value"] == "CONSTANT"
    frames.picture(noise(4, 4))
    assert frames.answer()[2]["reason"]["value"] == "IMAGE-TOO-SMALL"
    frames.picture(noise(32, 32))
    assert frames.answer()[2]["quality"]["assessed"]


def test_a_study_in_memory_is_durable(serve):
    server = serve()
    frames = server.frames()
    body = png(200)
    frames.put("image/png", body, 5, flags=1, modality=b"DX")
    token, status, pending = frames.answer()
    assert (token, status, pending["state"]) == (5, 202, "pending")
    token, status, result = frames.answer()
    CONTRACT.validate({"$ref": "#/components/schemas/Result"}, result)
    assert (token, status, result["id"], result["sequence"]) == (5, 200, pending["id"], 1)
    assert result == json.loads((server.state / "findings.jsonl").read_bytes())
    assert result["input"]["modality"]["value"] == "DX"
    # The live counters are not about studies.
    assert live(server)["received"] == 0
    frames.put("image/png", png(200)[:50], 6, flags=1)
    assert frames.answer()[1] == 202
    assert refused(frames, "unreadable") == 6


def test_a_study_in_memory_survives_a_kill(serve):
    server = serve(model="slow.tern")
    frames = server.frames()
    for token in range(3):
        frames.put("image/png", png(side=64), token, flags=1)
    identifiers = [frames.answer()[2]["id"] for _ in range(3)]
    server.stop(signal.SIGKILL)
    again = serve()
    again.wait_for(lambda status: status["results"]["last_sequence"] == 3)
    lines = [json.loads(line) for line in (again.state / "findings.jsonl").read_text().splitlines()]
    assert [line["id"] for line in lines] == identifiers


def test_a_study_in_memory_with_a_deadline(serve):
    server = serve(model="slow.tern")
    frames = server.frames()
    frames.put("image/png", png(side=64), 1, flags=1, deadline=1)
    identifier = frames.answer()[2]["id"]
    token, status, problem = frames.answer()
    assert (status, problem["code"], problem["id"]) == (504, "deadline_passed", identifier)
    server.wait_for(lambda status: status["results"]["last_sequence"] == 1)
    frames.picture(np.zeros((8, 8), np.uint8), 2)
    assert frames.answer()[0] == 2


def test_a_stop_answers_what_waits(serve):
    server = serve(model="slow.tern")
    busy(server)
    frames = server.frames()
    frames.put("image/png", png(side=64), 1, flags=1)
    assert frames.answer()[1] == 202
    frames.picture(np.zeros((64, 64), np.uint8), 2)
    server.wait_for(lambda status: status["live"]["received"] == 1)
    server.process.send_signal(signal.SIGTERM)
    answers = sorted(frames.answer()[:2] for _ in range(2))
    assert answers[0] == (1, 503) and answers[1] in [(2, 503), (2, 200)]
    assert frames.answer() is None
    assert server.process.wait(timeout=LIMIT) == 0


# Hostile clients


def sealed(data, flags=os.MFD_ALLOW_SEALING, seals=SEALS):
    descriptor = os.memfd_create("frame", flags)
    os.write(descriptor, data)
    if seals:
        fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, seals)
    return descriptor


def sparse(count):
    descriptor = os.memfd_create("frame", os.MFD_ALLOW_SEALING)
    os.ftruncate(descriptor, count)
    os.pwrite(descriptor, b"x", 0)
    fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, SEALS)
    return descriptor


PICTURE = dict(width=8, height=8, stride=8)
GREY = head("grey8", 64, 4, **PICTURE)


@pytest.mark.parametrize("message", [
    b"x", GREY[:95], GREY + b"\0", bytes(96), bytes(4000), head("grey8", 64, magic=b"TERNFRAN", **PICTURE),
    head("grey8", 64, version=2, **PICTURE), head("grey8", 64, 1 << 63, **PICTURE)])
def test_what_is_no_message_ends_the_connection(serve, message):
    server = serve()
    before = descriptors(server)
    frames = server.frames()
    with memory(bytes(64)) as descriptor:
        frames.send(message, [descriptor])
    assert refused(frames, "bad_head") == 0
    assert frames.answer() is None
    server.wait_for(lambda status: status["live"]["connections"] == 0)
    assert descriptors(server) == before and live(server)["connections_dropped"] == 1


@pytest.mark.parametrize("fields, code, status", [
    (dict(flags=2), "bad_head", 400), (dict(flags=1), "bad_head", 400), (dict(deadline=3_600_001), "bad_head", 400), (dict(kind=19), "bad_head", 400),
    (dict(kind=0), "bad_head", 400), (dict(width=0), "bad_head", 400), (dict(height=0), "bad_head", 400), (dict(stride=7), "bad_head", 400),
    (dict(stride=0xFFFFFFFF), "bad_head", 400), (dict(height=9), "bad_head", 400), (dict(height=16385), "too_large", 413),
    (dict(width=16384, height=16384, stride=16384), "too_large", 413), (dict(bits=9), "bad_head", 400), (dict(bits=7), "bad_head", 400),
    (dict(kind="image/png"), "bad_head", 400), (dict(modality=b"Doe^Jane"), "bad_head", 400), (dict(modality=b"US\0X"), "bad_head", 400),
    (dict(modality=b"\0US"), "bad_head", 400), (dict(rest=bytes(23) + b"\1"), "bad_head", 400), (dict(byte_count=0), "bad_head", 400),
    (dict(byte_count=1 << 63), "bad_head", 400), (dict(byte_count=65), "wrong_byte_count", 400), (dict(byte_count=1 << 40), "body_too_large", 413),
    (dict(byte_count=63), "bad_head", 400)])
def test_heads_that_lie(serve, fields, code, status):
    server = serve()
    frames = server.frames()
    with memory(bytes(64)) as descriptor:
        frames.send(head(**{"kind": "grey8", "byte_count": 64, "token": 4, **PICTURE, **fields}), [descriptor])
        assert refused(frames, code, status) == 4
        # The connection goes on.
        frames.send(GREY, [descriptor])
        assert frames.answer()[:2] == (4, 200)
    assert live(server)["refused"] == 1


def hostile_descriptors(tmp_path):
    (tmp_path / "file").write_bytes(bytes(64))
    read, write = os.pipe()
    pair = socket.socketpair()
    yield "regular file", os.open(tmp_path / "file", os.O_RDONLY), "not_shared_memory"
    yield "directory", os.open(tmp_path, os.O_RDONLY), "not_shared_memory"
    yield "O_PATH", os.open(tmp_path / "file", os.O_PATH), "not_shared_memory"
    yield "pipe", os.dup(read), "not_shared_memory"
    yield "other end", os.dup(write), "not_shared_memory"
    yield "socket", pair[0].detach(), "not_shared_memory"
    yield "device", os.open("/dev/zero", os.O_RDONLY), "not_shared_memory"
    yield "eventfd", os.eventfd(0), "not_shared_memory"
    if os.access("/dev/shm", os.W_OK):
        yield "tmpfs", os.open("/dev/shm", os.O_TMPFILE | os.O_RDWR), "not_sealed"
    yield "no seals allowed", sealed(bytes(64), 0, 0), "not_sealed"
    yield "no seals", sealed(bytes(64), seals=0), "not_sealed"
    for missing in (fcntl.F_SEAL_SHRINK, fcntl.F_SEAL_GROW, fcntl.F_SEAL_WRITE):
        yield f"without seal {missing}", sealed(bytes(64), seals=SEALS & ~missing), "not_sealed"
    yield "future writes alone", sealed(bytes(64), seals=SEALS & ~fcntl.F_SEAL_WRITE | 0x10), "not_sealed"
    yield "empty", sealed(b""), "wrong_byte_count"
    yield "shorter", sealed(bytes(63)), "wrong_byte_count"
    yield "longer", sealed(bytes(65)), "wrong_byte_count"
    os.close(read)
    os.close(write)
    pair[1].close()


def test_descriptors_that_are_no_sealed_memory(serve, tmp_path):
    server = serve()
    server.frames().close()
    server.wait_for(lambda status: status["live"]["connections"] == 0)
    before = descriptors(server)
    for name, descriptor, code in hostile_descriptors(tmp_path):
        frames = server.frames()
        frames.send(GREY, [descriptor])
        os.close(descriptor)
        assert refused(frames, code) == 4, name
        # Whoever passes what may hold the service up is not listened to any more.
        assert (frames.answer() is None) if code == "not_shared_memory" else True
        frames.close()
    server.wait_for(lambda status: status["live"]["connections"] == 0)
    assert "tern-closer" in threads(server)
    server.wait_for(lambda _: descriptors(server) == before)


def test_pages_that_were_never_written(serve):
    """Reading one would take memory of the service's own, and end it when there is none."""
    server = serve()
    frames = server.frames()
    count = 1 << 20
    descriptor = sparse(count)
    frames.send(head("grey8", count, 4, width=1024, height=1024, stride=1024), [descriptor])
    os.close(descriptor)
    refused(frames, "unwritten_pages")


def test_huge_pages_are_not_taken(serve):
    try:
        descriptor = os.memfd_create("frame", os.MFD_ALLOW_SEALING | os.MFD_HUGETLB)
    except OSError as error:
        pytest.skip(f"no huge pages here: {error}")
    os.ftruncate(descriptor, 2 << 20)
    fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, SEALS)
    frames = serve().frames()
    frames.send(head("grey8", 2 << 20, 4, width=1024, height=2048, stride=1024), [descriptor])
    os.close(descriptor)
    refused(frames, "not_shared_memory")


def test_sealed_memory_cannot_shrink_under_the_reader(serve):
    """What SIGBUS would need: the sender tries everything that could take a page away while the frame waits."""
    server = serve(model="slow.tern")
    busy(server)
    frames = server.frames()
    count = 64 * 4096
    writable = os.memfd_create("frame", os.MFD_ALLOW_SEALING)
    os.write(writable, bytes(count))
    mapping = mmap.mmap(writable, count)
    # A writable mapping stands in the way of the seal: such a frame is refused.
    with pytest.raises(OSError) as error:
        fcntl.fcntl(writable, fcntl.F_ADD_SEALS, SEALS)
    assert error.value.errno == errno.EBUSY
    message = head("grey8", count, 3, width=512, height=512, stride=512)
    frames.send(message, [writable])
    refused(frames, "not_sealed")
    mapping.close()
    fcntl.fcntl(writable, fcntl.F_ADD_SEALS, SEALS)
    frames.send(message, [writable])
    server.wait_for(lambda status: status["live"]["received"] == 1)
    for attack in (lambda: os.ftruncate(writable, 0), lambda: os.ftruncate(writable, 1), lambda: os.write(writable, b"x"),
                   lambda: os.posix_fallocate(writable, 0, 2 * count), lambda: mmap.mmap(writable, count)):
        with pytest.raises(OSError):
            attack()
    os.close(writable)
    assert frames.answer()[:2] == (3, 200)
    assert server.process.poll() is None


def test_no_descriptor_and_many(serve):
    server = serve()
    frames = server.frames()
    with memory(bytes(64)) as descriptor:
        frames.send(GREY, [descriptor])
        assert frames.answer()[1] == 200
        before = descriptors(server)
        frames.send(GREY)
        assert refused(frames, "bad_descriptors") == 4
        # More than one, up to as many as the kernel passes: what does not fit is cut off (MSG_CTRUNC) and never ours.
        for count in (2, 3, 10, 253):
            frames.send(GREY, [descriptor] * count)
            assert refused(frames, "bad_descriptors") == 4
        read, write = os.pipe()
        for mixed in ([descriptor, read], [read, descriptor], [read] * 20):
            frames.send(GREY, mixed)
            assert refused(frames, "bad_descriptors") == 4
        os.close(read)
        os.close(write)
        frames.send(GREY, [descriptor])
        assert frames.answer()[:2] == (4, 200)
    server.wait_for(lambda _: descriptors(server) == before)
    # A message of nothing with a descriptor is the end.
    with memory(bytes(64)) as descriptor:
        frames.send(b"", [descriptor])
        assert frames.answer() is None
    server.wait_for(lambda status: status["live"]["connections"] == 0)
    assert descriptors(server) == before - 1


def test_a_client_that_never_reads(serve):
    server = serve()
    before = descriptors(server)
    mute, other = server.frames(), server.frames()
    mute.channel.setblocking(True)
    sent = 0
    with memory(bytes(64)) as descriptor:
        with pytest.raises((BrokenPipeError, ConnectionResetError)):
            for sent in range(100_000):
                mute.send(GREY, [descriptor])
    # Some answers fit into the socket; then the connection is given up, and nobody else notices.
    assert 10 < sent < 10_000
    other.picture(noise(8, 8), 6)
    assert other.answer()[:2] == (6, 200)
    counts = server.wait_for(lambda status: status["live"]["connections"] == 1)["live"]
    assert counts["connections_dropped"] == 1
    assert counts["received"] == counts["analysed"] + counts["superseded"] + counts["abandoned"]
    mute.close()
    other.close()
    server.wait_for(lambda status: status["live"]["connections"] == 0)
    assert descriptors(server) == before


def test_more_clients_than_there_is_room_for(serve):
    server = serve()
    clients = [server.frames() for _ in range(16)]
    server.wait_for(lambda status: status["live"]["connections"] == 16)
    before = descriptors(server)
    for _ in range(40):
        more = server.frames()
        assert refused(more, "too_many_connections", 503) == 0
        assert more.answer() is None
        more.close()
    assert descriptors(server) == before
    clients[0].close()
    server.wait_for(lambda status: status["live"]["connections"] == 15)
    last = server.frames()
    last.picture(noise(8, 8), 2)
    assert last.answer()[:2] == (2, 200)


def test_clients_that_leave_and_crowds(serve):
    """Whatever they do, every descriptor comes back."""
    server = serve(model="slow.tern")
    server.frames().close()
    server.wait_for(lambda status: status["live"]["connections"] == 0)
    before = descriptors(server)

    def crowd(seed):
        choose = np.random.default_rng(seed)
        for _ in range(12):
            try:
                frames = server.frames()
                for token in range(choose.integers(1, 5)):
                    if choose.random() < 0.2:
                        frames.put("image/png", png(side=64), token, flags=1, deadline=1)
                    elif choose.random() < 0.3:
                        frames.send(choose.bytes(96), [0])
                    else:
                        frames.picture(np.zeros((64, 64), np.uint8), token, deadline=int(choose.integers(0, 40)))
                if choose.random() < 0.5:
                    frames.answer()
                frames.close()
            except OSError:
                pass

    members = [threading.Thread(target=crowd, args=(seed,)) for seed in range(6)]
    for member in members:
        member.start()
    for member in members:
        member.join()
    status = server.wait_for(lambda status: status["live"]["connections"] == 0 and status["queue"]["pending"] == 0 and status["live"]["waiting"] == 0)
    server.wait_for(lambda _: descriptors(server) == before)
    counts = live(server)
    assert counts["received"] == counts["analysed"] + counts["superseded"] + counts["late"] + counts["abandoned"]
    assert status["results"]["last_sequence"] == status["results"]["succeeded"]
    assert server.stop() == 0


def test_the_socket_of_frames_is_as_the_other(serve, start, tmp_path):
    server = serve()
    path = tmp_path / "frames.sock"
    assert path.stat().st_mode & 0o777 == 0o660
    # A second service does not take it, also not one that would speak HTTP there.
    for more, other in ((["--frames", path], tmp_path / "other.sock"), ([], path)):
        second = start(*more, state=tmp_path / "other", socket_path=other, ready=False)
        assert second.process.wait(timeout=LIMIT) == 75 and "another server" in second.stop_messages()
    assert server.stop() == 0 and not path.exists()
    # One that nobody listens on is replaced.
    stale = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    stale.bind(str(path))
    stale.close()
    again = serve()
    assert any("replaced" in line for line in again.messages)
    frames = again.frames()
    frames.picture(noise(8, 8))
    assert frames.answer()[1] == 200


def test_without_a_socket_of_frames(start):
    server = start()
    assert "tern-closer" not in threads(server)
    text = server.ask("GET", "/metrics").body.decode()
    assert 'tern_live_frames_total{outcome="analysed"} 0' in text
