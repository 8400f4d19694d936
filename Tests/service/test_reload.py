"""SIGHUP: a model that differs takes over once it has proved itself, and the configuration is read again."""

import http.client
import json
import os
import pathlib
import shutil
import signal
import threading

import pytest
import tiny_model
from harness import LIMIT, follow_events, png


def put(source, path):
    """As an installation does it: another file, renamed over the old one."""
    shutil.copy(source, f"{path}.new")
    os.replace(f"{path}.new", path)


def mapped(server):
    """Models that the process has mapped; a replaced file is named as deleted."""
    lines = pathlib.Path(f"/proc/{server.process.pid}/maps").read_text().splitlines()
    return [line.split(None, 5)[5] for line in lines if ".tern" in line]


@pytest.fixture
def second(tmp_path):
    """A model with other thresholds, and so another digest."""
    path = tmp_path / "second.tern"
    digest = tiny_model.mean_model(path, black=0.25, card=b'{"purpose":"second"}')
    return path, digest


@pytest.fixture
def served(start, models, tmp_path):
    path = tmp_path / "model.tern"
    put(models / "mean.tern", path)
    return start(model=path), path


def reload(server, next_event):
    server.process.send_signal(signal.SIGHUP)
    return next_event()


def test_a_model_file_is_replaced(served, second, tmp_path):
    server, path = served
    event, before = follow_events(server), server.status()
    assert before["models"] == {"replaced": 0, "refused": 0, "marked_good": None, "rolled_back": False}
    first = server.post(png()).json()["model"]["digest"]
    put(second[0], path)
    assert server.post(png()).json()["model"]["digest"] == first, "nothing changes without SIGHUP"
    assert reload(server, event)["code"] == "model_replaced"
    after = server.status()
    assert after["model"]["digest"] == server.post(png()).json()["model"]["digest"] == second[1] != first
    assert after["models"]["replaced"] == 1 and after["uptime_s"] >= before["uptime_s"]
    assert server.ask("GET", "/v1/model").json()["card"] == '{"purpose":"second"}'
    metrics = server.ask("GET", "/metrics").body.decode()
    assert f'tern_model_info{{digest="{second[1]}"' in metrics and "tern_models_replaced_total 1\n" in metrics
    assert mapped(server) == [str(path)], "the old one is unmapped"
    assert reload(server, event)["code"] == "model_unchanged"
    assert server.status()["models"]["replaced"] == 1


def bad_models(models, tmp_path):
    whole = (models / "mean.tern").read_bytes()
    cases = {"truncated": whole[:-100], "garbage": os.urandom(5000), "empty": b"", "flipped": whole[:-1] + bytes([whole[-1] ^ 1])}
    for name, content in cases.items():
        (tmp_path / f"{name}.tern").write_bytes(content)
    return {"wrong golden": (models / "wrong.tern", 70), **{name: (tmp_path / f"{name}.tern", 65) for name in cases}}


def test_a_bad_model_is_refused_and_the_old_one_goes_on(served, models, tmp_path):
    server, path = served
    event, digest = follow_events(server), server.status()["model"]["digest"]
    for count, (name, (bad, code)) in enumerate(bad_models(models, tmp_path).items(), 1):
        put(bad, path)
        found = reload(server, event)
        assert (found["code"], found["exit_code"], found["level"]) == ("model_refused", code, "error"), name
        assert server.post(png()).json()["model"]["digest"] == digest
        assert server.status()["models"]["refused"] == count
        assert all("(deleted)" in line for line in mapped(server)) and len(mapped(server)) == 1, "only the old one, whose file is gone"
    path.unlink()
    assert reload(server, event)["exit_code"] == 66
    put(models / "mean.tern", path)
    assert reload(server, event)["code"] == "model_unchanged"


def test_signatures_are_checked_again(start, models, tmp_path):
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    path, keys = tmp_path / "model.tern", tmp_path / "keys"
    put(models / "signed.tern", path)
    put(models / "key.txt", keys)
    server = start("--trust", keys, model=path, unsigned=False)
    event, digest = follow_events(server), server.status()["model"]["digest"]
    other = Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33)))
    tiny_model.mean_model(tmp_path / "other.tern", key=other, card=b'{"purpose":"other"}')
    forged = bytearray((tmp_path / "other.tern").read_bytes())
    forged[4095 - 28 - 64] ^= 1
    (tmp_path / "forged.tern").write_bytes(forged)
    for bad in [models / "mean.tern", tmp_path / "other.tern", tmp_path / "forged.tern"]:
        put(bad, path)
        assert reload(server, event)["code"] == "model_refused"
        assert server.post(png()).json()["model"]["digest"] == digest
    # The other key is trusted from now on, and named.
    keys.write_text((models / "key.txt").read_text() + f"{other.public_key().public_bytes_raw().hex()}  The other\n")
    put(tmp_path / "other.tern", path)
    assert reload(server, event)["code"] == "model_replaced"
    assert server.post(png()).json()["model"]["digest"] != digest
    assert any("model mean 1 (signed by The other) takes over" in line for line in server.messages)


@pytest.mark.skipif(bool(os.environ.get("TERND_RUNNER")), reason="an emulator has no Landlock")
@pytest.mark.parametrize("name", ["model", "trust"])
def test_a_file_in_another_folder_needs_a_restart(start, models, tmp_path, name):
    places = {}
    for folder in ("first", "second"):
        (tmp_path / folder).mkdir()
        places[folder] = {"model": tmp_path / folder / "signed.tern", "trust": tmp_path / folder / "key.txt"}
        for path in places[folder].values():
            shutil.copy(models / path.name, path)
    file = tmp_path / "etc" / "ternd.conf"
    file.parent.mkdir()

    def write(options):
        file.write_text(f"state = {tmp_path / 'state'}\nsocket = {tmp_path / 'run' / 's'}\n" + "".join(f"{key} = {value}\n" for key, value in options.items()))

    (tmp_path / "run").mkdir()
    write(places["first"])
    server = start("--config", file, bare=True, socket_path=tmp_path / "run" / "s")
    event = follow_events(server)
    write(places["first"] | {name: places["second"][name]})
    refused = reload(server, event)
    assert (refused["code"], refused["exit_code"]) == ({"model": "model_refused", "trust": "config_refused"}[name], 77)
    held = event()
    assert (held["code"], held["options"]) == ("reload_needs_restart", 1)
    assert f"ternd: changed, and in use after a restart only: --{name}" in server.messages
    # A file that is bad where it lies is bad after a restart too.
    places["first"][name].write_bytes(b"x")
    write(places["first"])
    assert reload(server, event)["exit_code"] == {"model": 65, "trust": 65}[name]
    server.process.send_signal(signal.SIGHUP)
    assert event()["code"].endswith("_refused")


def test_the_configuration_is_read_again(start, models, tmp_path):
    file = tmp_path / "ternd.conf"
    base = f"allow-unsigned = yes\nstate = {tmp_path / 'state'}\nsocket = {tmp_path / 'tern.sock'}\n"
    file.write_text(base + f"model = {models / 'measured.tern'}\n")
    server = start("--config", file, bare=True)
    event = follow_events(server)
    file.write_text(base + f"model = {models / 'measured.tern'}\noperating-point = sensitive\nthreads = 2\nqueue = 9\nkeep = 7\n")
    assert reload(server, event)["code"] == "model_replaced"
    held = event()
    assert (held["code"], held["options"], held["level"]) == ("reload_needs_restart", 2, "warning")
    status = server.status()
    assert status["engine"]["threads"] == 2 and status["queue"]["capacity"] == 8
    assert server.post(png()).json()["findings"][0]["operatingPoint"] == "sensitive"
    assert status["models"]["replaced"] == 0, "it is the same model"
    file.write_text(base + "modell = x\n")
    found = reload(server, event)
    assert (found["code"], found["exit_code"]) == ("config_refused", 64)
    file.write_text(base + f"model = {models / 'mean.tern'}\n")
    assert reload(server, event)["code"] == "model_replaced"
    assert any("in use after a restart only: --queue --keep" in line for line in server.messages)


def test_replacing_under_load_loses_nothing(served, models, tmp_path, second):
    server, path = served
    event = follow_events(server)
    files = {server.status()["model"]["digest"]: models / "mean.tern", second[1]: second[0]}
    expected = {digest: None for digest in files}
    stop, answers = threading.Event(), []

    def load():
        connection = server.connect()
        while not stop.is_set():
            connection.request("POST", "/v1/studies?wait=1", png(), {"Content-Type": "image/png"})
            answer = connection.getresponse()
            answers.append((answer.status, json.loads(answer.read())))

    threads = [threading.Thread(target=load) for _ in range(3)]
    for thread in threads:
        thread.start()
    for index in range(12):
        put(list(files.values())[(index + 1) % 2], path)
        assert reload(server, event)["code"] == "model_replaced"
    stop.set()
    for thread in threads:
        thread.join()
    assert {status for status, _ in answers} == {200}
    results = sorted((result for _, result in answers), key=lambda result: result["sequence"])
    assert [result["sequence"] for result in results] == list(range(1, len(results) + 1))
    for result in results:
        digest = result["model"]["digest"]
        made = [(finding["label"], finding["threshold"]) for finding in result["findings"]]
        expected[digest] = expected[digest] or made
        assert made == expected[digest], "findings and model belong together"
    assert len(set(map(str, expected.values()))) == 2
    assert server.status()["models"]["replaced"] == 12
    assert len(mapped(server)) == 1


def test_a_study_under_way_keeps_its_model(start, models, tmp_path):
    path = tmp_path / "model.tern"
    put(models / "slow.tern", path)
    server = start(model=path)
    event, slow = follow_events(server), server.status()["model"]["digest"]
    first = server.post(png(), wait=False).json()["id"]
    server.wait_for(lambda status: status["queue"]["pending"] == 1 and status["queue"]["waiting"] == 0)
    server.post(png(), wait=False)
    put(models / "mean.tern", path)
    assert reload(server, event)["code"] == "model_replaced"
    server.wait_for(lambda status: status["queue"]["pending"] == 0)
    lines = server.ask("GET", "/v1/findings").lines()
    assert (lines[0]["id"], lines[0]["model"]["digest"]) == (first, slow)
    assert lines[1]["model"]["digest"] in (slow, server.status()["model"]["digest"])
    assert len(mapped(server)) == 1


def test_many_signals_are_one_reload_after_another(served, second):
    server, path = served
    event = follow_events(server)
    put(second[0], path)
    for _ in range(50):
        server.process.send_signal(signal.SIGHUP)
    assert event()["code"] == "model_replaced"
    assert server.post(png()).json()["model"]["digest"] == second[1]
    assert server.stop() == 0


def test_stopping_while_a_model_loads(start, models, tmp_path):
    path = tmp_path / "model.tern"
    put(models / "mean.tern", path)
    server = start(model=path)
    put(models / "slow.tern", path)
    server.process.send_signal(signal.SIGHUP)
    server.process.send_signal(signal.SIGTERM)
    assert server.process.wait(timeout=LIMIT) == 0
    assert server.stop_messages().endswith("ternd: stopped")
    assert not server.socket_path.exists()


def test_a_signal_while_it_starts_is_kept(start):
    server = start(model="slow.tern", ready=False)
    while not (server.state / "lock").exists():
        assert server.process.poll() is None
    server.process.send_signal(signal.SIGHUP)
    server.wait_until_ready()
    server.wait_for(lambda status: [event["code"] for event in status["events"]] == ["model_unchanged"])
