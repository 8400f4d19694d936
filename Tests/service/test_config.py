"""Options of `ternd serve` from a file, the table that they come from, and --check."""

import re

import pytest
from harness import LIMIT, ROOT, png, ternd

EXAMPLE = ROOT / "Packaging/ternd.conf"
COMMAND_LINE_ONLY = {"config", "check"}


def table():
    """The options of the help: name to placeholder, and standard where the help has one."""
    text = ternd("serve", "--help").stdout
    rows = re.findall(r"^  --([a-z-]+)(?: (\S+))?(?:  +|\n {22})(.*)$", text, re.MULTILINE)
    assert len(rows) == len({name for name, _, _ in rows}) > 10
    return {name: (placeholder, re.search(r"\(default (.*?)\)", help)) for name, placeholder, help in rows}


def conf(folder, text, name="ternd.conf"):
    (folder / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    return folder / name


def test_the_example_documents_every_option_with_its_standard():
    options = {name: row for name, row in table().items() if name not in COMMAND_LINE_ONLY}
    lines = EXAMPLE.read_text().split("\n")
    found = {}
    for index, line in enumerate(lines):
        setting = re.fullmatch(r"(#?)([a-z-]+) = (.+)", line)
        if setting:
            assert setting[2] not in found and lines[index - 1].startswith("# "), f"{line}: no comment above it"
            found[setting[2]] = setting[3]
    assert list(found) == list(options), "in the order of the help"
    for name, (placeholder, standard) in options.items():
        if standard:
            assert found[name] == standard[1], name
        if not placeholder:
            assert found[name] == "no", name


def test_a_server_from_a_file(start, models, tmp_path):
    text = f"# the model\nmodel = {models / 'mean.tern'}\r\n\n  allow-unsigned=yes\n\tsocket =  {tmp_path / 'my socket'} \nstate = {tmp_path / 'state'}\nqueue = 3"
    server = start("--config", conf(tmp_path, text), bare=True, socket_path=tmp_path / "my socket")
    assert server.status()["queue"]["capacity"] == 3
    assert server.post(png()).status == 200


def test_the_command_line_wins(start, models, tmp_path):
    text = "queue = 3\nmax-body = 2000\nmodel = /nowhere\nallow-unsigned = no\n"
    server = start("--config", conf(tmp_path, text), "--queue", "5")
    assert server.status()["queue"]["capacity"] == 5
    assert server.post(png() + bytes(2000)).status == 413


@pytest.mark.parametrize("text, said", [
    ("queue = 3\n\nsocket-path = /x\n", "line 3: no option of that name"),
    ("--queue = 3\n", "line 1: no option of that name"),
    ("config = other.conf\n", "line 1: no option of that name"),
    ("# queue\nqueue = 3\nkeep = 4\nqueue = 3\n", "line 4: line 2 says so already"),
    ("queue = 0\n", "line 1: queue is a whole number from 1 to 1000"),
    ("\n\nqueue = 3 # a few\n", "line 3: queue is a whole number from 1 to 1000"),
    ("max-body = 1e6\n", "line 1: max-body is a whole number from 1024 to 1073741824"),
    ("allow-unsigned = true\n", "line 1: allow-unsigned is yes or no"),
    ("state =\n", "line 1: the value is missing"),
    ("queue 3\n", "line 1: not KEY = VALUE"),
    (b"queue = 3\nstate = /\xff\n", "line 2: not text in UTF-8"),
    (b"state = /a\0b\n", "line 1: not text in UTF-8"),
    ("isa = altivec\n", "line 1: isa: no instruction set of that name; ternd info lists them"),
    ("operating-point = none\n", "line 1: operating-point: the label white has only even"),
])
def test_a_line_that_cannot_be_followed_is_named(models, tmp_path, text, said):
    done = ternd(
        "serve", "--model", models / "mean.tern", "--allow-unsigned", "--socket", tmp_path / "s", "--state", tmp_path / "state",
        "--config", conf(tmp_path, text))
    assert (done.returncode, done.stderr) == (64, f"ternd: config: {said}\n")
    assert not (tmp_path / "s").exists()


def test_a_file_that_cannot_be_read(tmp_path):
    for path, said in [
        (tmp_path / "none", "config: no such file or directory"), (tmp_path, "config: not a regular file of at most 65536 bytes"),
        (conf(tmp_path, "#" * 65537), "config: not a regular file of at most 65536 bytes"),
    ]:
        done = ternd("serve", "--config", path)
        assert (done.returncode, done.stderr) == (66, f"ternd: {said}\n")


def checked(*arguments):
    done = ternd("serve", *arguments, "--check")
    return done.returncode, done.stdout.splitlines(), done.stderr


def test_check_says_what_holds_and_makes_nothing(models, tmp_path, start):
    (tmp_path / "keys").write_text(f"# ours\n{(models / 'key.txt').read_text().strip()} Release 2026\n{(models / 'other-key.txt').read_text()}")
    file = conf(tmp_path, f"model = {models / 'signed.tern'}\ntrust = {tmp_path / 'keys'}\nsocket = {tmp_path / 'tern.sock'}\nstate = {tmp_path / 'state'}\n")
    code, lines, said = checked("--config", file)
    assert (code, said) == (0, "")
    assert [line.split(": ")[0] for line in lines] == ["options", "trust", "model", "state", "socket"]
    assert all(line.split(": ")[1] == "ok" for line in lines)
    assert lines[1] == "trust: ok: 2 keys" and "mean 1 (signed by Release 2026), digest " in lines[2] and "1 golden vectors agree on " in lines[2]
    assert lines[3] == f"state: ok: {tmp_path / 'state'}, which the start makes"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["keys", "ternd.conf"]
    server = start("--config", file, bare=True)
    assert "model mean 1 (signed by Release 2026)" in server.messages[-1]
    assert checked("--config", file)[1][3] == f"state: ok: {tmp_path / 'state'}, in use by a service that runs"


def test_check_names_everything_that_fails(models, tmp_path):
    (tmp_path / "file").write_text("mine")
    base = ["--socket", tmp_path / "s", "--state", tmp_path / "state"]
    model = ["--model", models / "mean.tern", "--allow-unsigned"]

    def failed(*arguments):
        code, lines, said = checked(*arguments)
        assert said == ""
        return code, [line.partition(": FAILED: ")[::2] for line in lines if "FAILED" in line]

    assert failed(*base, "--model", models / "wrong.tern", "--allow-unsigned")[0] == 70
    code, lines = failed(*base, "--model", models / "mean.tern")
    assert (code, lines[0][0]) == (65, "model") and "F-" in lines[0][1]
    assert failed(*model, "--socket", tmp_path / "s", "--state", tmp_path / "no/state") == (66, [("state", "state directory's parent: no such file or directory")])
    assert failed(*model, "--socket", tmp_path / "s", "--state", tmp_path / "file") == (66, [("state", "state directory: not a directory")])
    assert failed(*model, *base[2:], "--socket", tmp_path / "file") == (66, [("socket", "socket: the path exists and is not a socket; nothing was changed")])
    assert failed(*model, *base[2:], "--socket", tmp_path / ("x" * 120)) == (64, [("socket", "socket: a path has 1 to 107 bytes")])
    assert failed(*model, *base[2:], "--socket", "/proc/none/tern.sock")[1][0][0] == "socket"
    code, lines = failed("--model", models / "dx.tern", "--state", tmp_path / "file", "--socket", tmp_path / "file")
    assert (code, [name for name, _ in lines]) == (65, ["model", "state", "socket"])
    assert not (tmp_path / "state").exists()


def test_check_reads_what_an_earlier_run_left(start, models, tmp_path):
    """What the next start refuses, --check refuses with the same code and sentence, and it changes nothing."""
    server = start()
    identifier = server.post(png()).json()["id"]
    server.ask("POST", f"/v1/findings/{identifier}/review", b'{"decision":"accept"}', {"Content-Type": "application/json"})
    assert server.stop() == 0
    base = ["--model", models / "mean.tern", "--allow-unsigned", "--socket", tmp_path / "tern.sock", "--state", server.state]

    def contents():
        return {path: path.read_bytes() for path in server.state.rglob("*") if path.is_file()}

    assert checked(*base)[0] == 0
    for name in ("findings.jsonl", "audit/audit.jsonl", "reviews.jsonl"):
        path = server.state / name
        whole = path.read_bytes()
        path.write_bytes(b"x" + whole)
        before = contents()
        code, lines, _ = checked(*base)
        found = [line.partition(": FAILED: ")[2] for line in lines if line.startswith("state: FAILED: ")]
        assert (code, len(found)) == (74, 1) and "nothing was changed" in found[0], (name, lines)
        assert contents() == before
        refused = start(ready=False)
        assert refused.process.wait(timeout=LIMIT) == 74 and f"ternd: {found[0]}" in refused.stop_messages()
        # A torn last line is what a start mends.
        path.write_bytes(whole + b'{"torn')
        assert checked(*base)[0] == 0 and path.read_bytes() == whole + b'{"torn'
        path.write_bytes(whole)
    (server.state / "lock").unlink()
    before = contents()
    assert checked(*base)[0] == 0 and contents() == before


def test_check_has_a_line_for_a_trust_file_that_is_not_there(models, tmp_path):
    code, lines, said = checked("--model", models / "signed.tern", "--trust", tmp_path / "none", "--socket", tmp_path / "s", "--state", tmp_path / "state")
    assert (code, said) == (66, "")
    assert [line.split(": ")[:2] for line in lines] == [["options", "ok"], ["trust", "FAILED"], ["model", "FAILED"], ["state", "ok"], ["socket", "ok"]]


def test_the_file_that_is_shipped_starts_beside_the_socket_of_the_unit(models, tmp_path):
    """As docs/operations.md installs it; only the folders are others."""
    text = EXAMPLE.read_text()
    assert not re.search(r"^\s*socket\b", text, re.MULTILINE), "systemd makes the socket"
    steps = re.search(r"^## Under systemd\n.*?```sh\n(.*?)```", (ROOT / "docs/operations.md").read_text(), re.DOTALL | re.MULTILINE)[1]
    unit = (ROOT / "Packaging/systemd/ternd.service").read_text()
    needed = re.findall(r"^(?:model|trust) = (\S+)$", text, re.MULTILINE)
    needed += re.search(r"^ExecStart=(\S+) serve --config (\S+)", unit, re.MULTILINE).groups()
    for path in needed:
        assert re.search(rf"^install \S+ \S+ \S+ {re.escape(path)}( |$)", steps, re.MULTILINE), f"no step installs {path}"
    for source in re.findall(r"(?:Packaging|Models)/\S+", steps):
        assert (ROOT / source).is_file(), source
    places = {"/usr/local/share/tern/model.tern": models / "signed.tern", "/usr/local/share/tern/signing-key.pub": models / "key.txt", "/var/lib/tern": tmp_path / "state"}
    for path, place in places.items():
        assert f" = {path}\n" in text
        text = text.replace(f" = {path}\n", f" = {place}\n")
    code, lines, said = checked("--config", conf(tmp_path, text))
    assert (code, said, [line for line in lines if ": ok: " not in line]) == (0, "", ["options: ok"])
    assert "socket: ok: that of the service manager" in lines


@pytest.mark.parametrize("text, said", [
    ("", "line 1: not a public key of 64 hexadecimal digits, and a name behind it"),
    ("#\n" + "0" * 63 + "\n", "line 2: not a public key of 64 hexadecimal digits, and a name behind it"),
    ("a" * 64 + " one\n" + "A" * 64 + " two\n", "line 2: line 1 says so already"),
])
def test_a_trust_file_that_cannot_be_followed(models, tmp_path, text, said):
    done = ternd("info", "--model", models / "signed.tern", "--trust", conf(tmp_path, text, "keys"))
    assert (done.returncode, done.stderr) == (65, f"ternd: trust file: {said}\n")
