"""docs/integration.md, command by command: storescp, a watched folder, the outbox, storescu and a real Orthanc, all on this machine's loopback."""

import contextlib
import hashlib
import json
import os
import re
import shutil
import socket
import subprocess
import time
import urllib.request

import pytest
from PIL import Image
from pydicom import dcmread

import object_images as images
from object_run import ternd

PAGE = (images.ROOT / "docs/integration.md").read_text()
LIMIT = 60
pytestmark = pytest.mark.skipif(not all(shutil.which(name, path=os.environ["PATH"] + ":/usr/sbin") for name in ("Orthanc", "storescp", "storescu", "curl")),
                                reason="needs orthanc, dcmtk and curl")


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def free_ports(count):
    with contextlib.ExitStack() as stack:
        held = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in held:
            one.bind(("127.0.0.1", 0))
        return [str(one.getsockname()[1]) for one in held]


def until(what):
    """Asks again and again: each question is answered by another program."""
    end = time.monotonic() + LIMIT
    while time.monotonic() < end:
        with contextlib.suppress(OSError):
            found = what()
            if found:
                return found
    raise AssertionError("not within the time")


class Shell:
    """One shell that runs the commands of the page as they stand there, with other ports and places."""

    def __init__(self, folder, exchange):
        self.folder, self.exchange = folder, exchange
        bin_folder = folder / "bin"
        bin_folder.mkdir()
        (bin_folder / "ternd").symlink_to(ternd())
        self.log = open(folder / "log.txt", "w+")
        self.process = subprocess.Popen(
            ["bash", "-u"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log, text=True, cwd=folder, start_new_session=True,
            env={**os.environ, "PATH": f"{bin_folder}:{os.environ['PATH']}:/usr/sbin"})

    def text(self, text):
        for old, new in self.exchange.items():
            text = text.replace(old, new)
        return text

    def run(self, block, code=0):
        """What the commands wrote to standard output."""
        self.process.stdin.write(self.text(block) + "\nstatus=$?; echo; echo END $status\n")
        self.process.stdin.flush()
        lines = []
        for line in self.process.stdout:
            if line.startswith("END "):
                assert int(line[4:]) == code, (block, (self.folder / "log.txt").read_text())
                return "".join(lines)
            lines.append(line)
        raise AssertionError("the shell ended: " + (self.folder / "log.txt").read_text())

    def close(self):
        """Ends what runs in the background, and waits for it."""
        with contextlib.suppress(AssertionError, OSError):
            self.run("kill $(jobs -p); wait")
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait(timeout=LIMIT)
        self.log.close()


@pytest.fixture
def shell(tmp_path):
    share = tmp_path / "share"
    share.mkdir()
    for path in (images.MODEL, images.KEY):
        shutil.copy(path, share)
    scp, pacs, http = free_ports(3)
    found = Shell(tmp_path, {"/usr/local/share/tern/": f"{share}/", "11112": scp, "4242": pacs, "8042": http})
    yield found
    found.close()


def listens(port):
    with socket.create_connection(("127.0.0.1", int(port)), timeout=LIMIT):
        return True


def test_the_commands_of_the_page(shell):
    folder = shell.folder
    source = folder / "image.dcm"
    images.chest(20).save_as(source, enforce_file_format=True)
    Image.open(images.SAMPLE).convert("L").save(folder / "now.jpeg", quality=95)
    serve, scan, forward, orthanc, store, find, study, frame, findings = blocks("sh")
    pacs, http = shell.exchange["4242"], shell.exchange["8042"]

    def objects(place):
        return sorted((folder / place).glob("*.dcm"))

    # 1: without an archive nothing is moved, and nothing lost.
    shell.run(serve)
    until(lambda: listens(shell.exchange["11112"]))
    until(lambda: (folder / "tern.sock").exists())
    shell.run(scan)
    until(lambda: len(list((folder / "incoming/done").glob("*.json"))) == 1)
    made = {path.name.split(".", 1)[1]: path.read_bytes() for path in objects("outbox")}
    assert set(made) == {"sr.dcm", "sc.dcm"} and len(list((folder / "outbox").glob("*.json"))) == 1
    shell.run(forward, code=1)
    assert len(objects("outbox")) == 2 and objects("sent") == []

    # 2: Orthanc takes them and gives them back as they were.
    (folder / "orthanc.json").write_text(shell.text(blocks("json")[0]))
    (folder / "route.lua").write_text(blocks("lua")[0])
    shell.run(orthanc)

    def ask(path):
        with urllib.request.urlopen(f"http://127.0.0.1:{http}{path}", timeout=LIMIT) as answer:
            return answer.read()

    until(lambda: ask("/system") and listens(pacs))
    shell.run(forward)
    assert objects("outbox") == [] and len(objects("sent")) == 2
    returned = {json.loads(ask(f"/instances/{one}/tags?simplify"))["Modality"]: ask(f"/instances/{one}/file") for one in json.loads(ask("/instances"))}
    assert set(returned) == {"SR", "OT"}
    for modality, suffix in (("SR", "sr.dcm"), ("OT", "sc.dcm")):
        path = folder / f"returned.{suffix}"
        path.write_bytes(returned[modality])
        again, before = dcmread(path), dcmread(objects("sent")[0] if suffix == "sc.dcm" else objects("sent")[1])
        assert again == before and again.file_meta.TransferSyntaxUID == before.file_meta.TransferSyntaxUID
        # Behind the file meta information, which each receiver writes for itself, byte for byte.
        assert path.read_bytes().endswith(made[suffix][made[suffix].index(b"\x08\x00\x05\x00CS"):])
        assert "Error" not in subprocess.run(["dciodvfy", path], capture_output=True, text=True, errors="replace").stderr

    # The image itself comes to Orthanc, goes on to ternd, and what comes back is of the same study.
    done = len(list((folder / "incoming/done").glob("*.json")))
    shell.run(store)
    until(lambda: len(list((folder / "incoming/done").glob("*.json"))) == done + 1)
    shell.run(forward)
    series = json.loads(shell.run(find))
    assert sorted(one["MainDicomTags"]["Modality"] for one in series) == ["DX", "OT", "SR"]
    # By way of Orthanc the image came as another file, with file meta information of its own: a second report of its own.
    assert len({one["ParentStudy"] for one in series}) == 1 and sorted(len(one["Instances"]) for one in series) == [1, 2, 2]

    # 3: the socket.
    answer = json.loads(shell.run(study))
    assert answer["status"] == "succeeded" and answer["input"]["sha256"] == hashlib.sha256(source.read_bytes()).hexdigest()
    live = json.loads(shell.run(frame))
    assert live["schema"] == "tern.frame/1" and live["status"] == "succeeded"
    lines = [json.loads(line) for line in shell.run(findings).splitlines() if line]
    assert [line["sequence"] for line in lines] == [1, 2, 3] and lines[-1]["id"] == answer["id"]
