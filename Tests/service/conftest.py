"""Models and servers for the tests."""

import os
import shutil
import subprocess

import pytest

import tiny_model
from frames import Frames
from harness import CONTRACT, Answer, Server


@pytest.fixture(scope="session")
def models(tmp_path_factory):
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    folder = tmp_path_factory.mktemp("models")
    key = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
    tiny_model.mean_model(folder / "mean.tern")
    tiny_model.mean_model(folder / "signed.tern", key=key)
    tiny_model.mean_model(folder / "wrong.tern", wrong_golden=True)
    tiny_model.mean_model(folder / "features.tern", labels=False)
    tiny_model.mean_model(folder / "dx.tern", modality="DX")
    tiny_model.measured_model(folder / "measured.tern")
    tiny_model.gated_model(folder / "gated.tern")
    tiny_model.drift_model(folder / "drift.tern")
    tiny_model.mean_model(folder / "unconfirmed.tern", confirmed=False)
    tiny_model.tiered_model(folder / "tiered.tern")
    tiny_model.slow_model(folder / "slow.tern")
    (folder / "key.txt").write_text(key.public_key().public_bytes_raw().hex() + "\n")
    (folder / "other-key.txt").write_text(bytes(31).hex() + "01\n")
    return folder


@pytest.fixture
def start(tmp_path, models):
    """Starts servers that share a state directory and a socket path; ends them afterwards."""
    servers = []

    def run(*more, model="mean.tern", state=None, socket_path=None, ready=True, unsigned=True, environment=None, preexec=None, bare=False):
        """`bare`: only the arguments given."""
        path = socket_path or tmp_path / "tern.sock"
        folder = state or tmp_path / "state"
        arguments = ["--model", models / model, "--socket", path, "--state", folder, *more] + (["--allow-unsigned"] if unsigned else [])
        arguments = [*more] if bare else arguments
        server = Server(arguments, path, folder, environment, preexec)
        servers.append(server)
        return server.wait_until_ready() if ready else server

    yield run
    for server in servers:
        if server.process.poll() is None:
            server.process.kill()
        server.process.wait()
        server.reader.join()
        server.process.stdout.close()
        server.process.stderr.close()


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


@pytest.fixture
def inject():
    """Has the kernel do something to a server at one of its system calls; each thread counts its own."""
    if "TERND_RUNNER" in os.environ or not shutil.which("strace"):
        pytest.skip("needs strace, and no emulator")
    tracers = []

    def attach(server, call, what):
        tracer = subprocess.Popen(
            ["strace", "-f", "-o", "/dev/null", "-p", str(server.process.pid), "-e", f"trace={call}", "-e", f"inject={call}:{what}"],
            stderr=subprocess.PIPE, text=True)
        tracers.append(tracer)
        line = tracer.stderr.readline()
        if "attached" not in line:
            pytest.skip(f"strace cannot attach: {line}")

    yield attach
    for tracer in tracers:
        tracer.terminate()
        tracer.wait()
        tracer.stderr.close()
