"""Clients of the socket of frames that lie, hold things up, or pass what is no memory."""

import errno
import fcntl
import mmap
import os
import socket
import threading

import numpy as np
import pytest
from frames import SEALS, busy, descriptors, head, live, memory, noise, refused, threads
from harness import png

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


