"""No patient data in anything that the service writes or says: every text field of DICOM, and of the other kinds, is filled with markers, and every file,
message, metric and answer is searched for them."""

import base64
import io
import os
import re
import subprocess
import zlib

import numpy as np
import pytest
from PIL import Image, PngImagePlugin
from harness import LIMIT, bare_dicom, dicom, nifti, png
from pydicom import datadict, dcmread
from pydicom.dataset import Dataset

MARK = "QZXMARK"
# Values for representations that take no words; digits that no number of a result is likely to have.
NUMBERS = {"DA": "19370817", "TM": "113355.771133", "DT": "19370817113355.771133", "AS": "087Y", "DS": "31415.926535", "IS": "271828182"}
WORDS = {"AE": 16, "CS": 16, "LO": 64, "LT": 200, "PN": 64, "SH": 16, "ST": 200, "UC": 200, "UR": 200, "UT": 200}
ROOT_UID = "1.2.826.0.1.3680043.8.498.27182818"
SEARCHED = [MARK.lower(), "19370817", "113355.77", "31415.9", "271828182", ROOT_UID, "087y"]
# What decides how the picture is read: the rest of the file is markers.
NEEDED = {
    "SpecificCharacterSet", "SOPClassUID", "SOPInstanceUID", "Modality", "PhotometricInterpretation", "NumberOfFrames", "PixelSpacing",
    "ImagerPixelSpacing", "PixelAspectRatio", "WindowCenter", "WindowWidth", "VOILUTFunction", "RescaleIntercept", "RescaleSlope", "RescaleType",
    "PresentationLUTShape", "LossyImageCompression", "FrameTime", "PixelIntensityRelationship", "NominalScannedPixelSpacing",
}


def marked(vr, index):
    if vr in NUMBERS:
        return NUMBERS[vr]
    if vr == "UI":
        return f"{ROOT_UID}.{index}"
    return f"{MARK}{index}"[: WORDS[vr]]


def fill(data):
    """Every standard element whose value is text, by pydicom's copy of the dictionary of PS3.6; a private block behind them. Gives how many."""
    count = 0
    for tag, (vr, _, _, _, keyword) in datadict.DicomDictionary.items():
        if not keyword or keyword in NEEDED or tag >> 16 in (0x0000, 0x0002, 0x0004, 0xFFFC, 0xFFFE) or tag >> 16 >= 0x5000 and tag >> 16 < 0x7F00:
            continue
        vr = vr.split(" or ")[0]
        if vr in NUMBERS or vr in WORDS or vr == "UI":
            data.add_new(tag, vr, marked(vr, count))
            count += 1
    block = data.private_block(0x0011, MARK, create=True)
    for offset, vr in enumerate(WORDS):
        block.add_new(offset, vr, marked(vr, offset))
    return count


def filled(source, nested=False):
    data = dcmread(io.BytesIO(source), force=True)
    assert fill(data) > 2500
    if nested:
        item = Dataset()
        fill(item)
        data.ReferencedImageSequence = [item]
        data.RequestAttributesSequence = [item]
    if data.file_meta:
        data.file_meta.ImplementationVersionName = MARK
        data.file_meta.SourceApplicationEntityTitle = MARK
        data.file_meta.PrivateInformationCreatorUID = ROOT_UID + ".1"
        data.file_meta.PrivateInformation = MARK.encode()
    return saved(data)


def saved(data):
    out = io.BytesIO()
    data.save_as(out, enforce_file_format=bool(data.file_meta), **({} if data.file_meta else {"implicit_vr": True, "little_endian": True}))
    return out.getvalue()


def altered(source, **values):
    """Elements that are not looked at are written as they were read."""
    data = dcmread(io.BytesIO(source))
    for name, value in values.items():
        setattr(data, name, value)
    return saved(data)


def everything(server, answers):
    """All that the service wrote and said, by where it stands; its audit log also as it is exported, where the tests are given `tern`."""
    found = {f"answer {index}": answer.body + repr(dict(answer.headers)).encode() for index, answer in enumerate(answers)}
    for target in ("/v1/status", "/v1/model", "/metrics", "/v1/findings", "/v1/events?after=0"):
        found[target] = server.ask("GET", target).body
    assert server.stop() == 0
    found["messages"] = server.stop_messages().encode()
    found["output"] = server.process.stdout.read().encode()
    for path in server.state.rglob("*"):
        if path.is_file():
            found[str(path.relative_to(server.state))] = path.name.encode() + path.read_bytes()
    assert not list((server.state / "queue").iterdir())
    for form in ("--dicom", "--fhir") if "TERN" in os.environ else ():
        command = [os.environ["TERN"], "audit", "export", server.state, form]
        exported = subprocess.run(command, capture_output=True, check=True, timeout=LIMIT).stdout
        # Details are base64 there: they are searched as what they say.
        details = re.findall(rb'value="([A-Za-z0-9+/=]+)"|"valueBase64Binary":"([A-Za-z0-9+/=]+)"', exported)
        assert details
        found[f"export {form}"] = exported + b"\n".join(base64.b64decode(one or other) for one, other in details)
    return found


def search(found):
    return [(where, word) for where, content in found.items() for word in SEARCHED if word.encode() in content.lower()]


def test_no_text_of_a_dicom_file_is_repeated(start):
    server = start("--operating-point", "even", model="measured.tern")
    whole = filled(dicom(SpecificCharacterSet="ISO_IR 100"), nested=True)
    files = [whole, altered(whole, NumberOfFrames=3, PixelData=bytes(range(256)) * 3), filled(bare_dicom())]
    # Fields that the reader does look at hold markers one after the other: each way of refusing is taken too.
    files += [altered(whole, **{name: MARK}) for name in ("Modality", "PhotometricInterpretation", "PresentationLUTShape", "VOILUTFunction")]
    files.append(whole.replace(b"ISO_IR 100", MARK.encode().ljust(10), 1))
    files += [whole[: len(whole) * part // 7] for part in range(1, 7)]
    assert all(MARK.encode() in file for file in files[:8])
    answers = [server.post(file, "application/dicom") for file in files]
    assert [answer.status for answer in answers[:3]] == [200] * 3
    assert search(everything(server, answers)) == []


def test_no_text_of_the_other_kinds_is_repeated(start):
    server = start()
    image = Image.fromarray(np.full((8, 8), 200, np.uint8))
    jpeg = io.BytesIO()
    exif = image.getexif()
    exif[0x010E] = exif[0x013B] = MARK
    image.save(jpeg, "JPEG", comment=MARK, exif=exif)
    note = PngImagePlugin.PngInfo()
    note.add_text("Title", MARK)
    note.add_itxt(MARK, MARK, MARK, MARK)
    picture = io.BytesIO()
    image.save(picture, "PNG", pnginfo=note)
    volume = bytearray(nifti(np.full((2, 8, 8), 7, np.uint8)))
    volume[148:228] = MARK.encode().ljust(80, b"\0")
    volume[228:252] = MARK.encode().ljust(24, b"\0")
    volume[328:344] = MARK.encode().ljust(16, b"\0")
    cases = [(jpeg.getvalue(), "image/jpeg"), (picture.getvalue(), "image/png"), (bytes(volume), "application/nifti")]
    assert all(MARK.encode() in body for body, _ in cases)
    answers = [server.post(body, kind) for body, kind in cases]
    assert [answer.status for answer in answers] == [200] * 3
    answers += [server.post(body[: len(body) // 2], kind) for body, kind in cases]
    assert search(everything(server, answers)) == []


def test_no_text_of_a_request_is_repeated(start):
    server = start()
    identifier = server.post(png()).json()["id"]
    targets = [f"/{MARK}", f"/v1/findings/{MARK}", f"/v1/findings?{MARK}=1", f"/v1/findings?after={MARK}", f"/v1/findings/{identifier}/{MARK}"]
    answers = [server.ask("GET", target, headers={"User-Agent": MARK, "X-" + MARK: MARK}, check=False) for target in targets]
    for query in (f"modality={MARK}", f"frames={MARK}", f"{MARK}=1"):
        answers.append(server.ask("POST", f"/v1/studies?{query}", png(), {"Content-Type": "image/png"}, check=False))
    answers.append(server.ask("POST", "/v1/studies", png(), {"Content-Type": f"image/{MARK}"}, check=False))
    answers.append(server.ask("POST", "/v1/studies", MARK.encode(), {"Content-Type": "image/png"}, check=False))
    for body in (f'{{"decision":"{MARK}"}}', f'{{"{MARK}":"x"}}', f'{{"decision":"accept","label":"{MARK}"}}'):
        answers.append(server.ask("POST", f"/v1/findings/{identifier}/review", body.encode(), {"Content-Type": "application/json"}, check=False))
    assert all(answer.status >= 400 for answer in answers)
    # A note is stored, and shown to who asks for it; nowhere else.
    stored = server.ask(
        "POST", f"/v1/findings/{identifier}/review", f'{{"decision":"accept","note":"{MARK}"}}'.encode(), {"Content-Type": "application/json"})
    assert stored.status == 201
    assert search(everything(server, answers)) == [("reviews.jsonl", MARK.lower())]


def test_no_text_and_no_name_of_a_watched_file_is_repeated(start, tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    server = start("--watch", folder)
    whole = filled(dicom(SpecificCharacterSet="ISO_IR 100"), nested=True)
    for name, body in (("whole", whole), ("half", whole[: len(whole) // 2]), ("note", MARK.encode()), ("empty", b"")):
        (folder / f"{MARK}-{name}.part").write_bytes(body)
        os.rename(folder / f"{MARK}-{name}.part", folder / f"{MARK}-{name}.dcm")
    server.wait_for(lambda status: status["watch"]["done"] + status["watch"]["failed"] == 4)
    answers = {str(path.relative_to(folder)): path.read_bytes() for place in ("done", "failed") for path in (folder / place).glob("*.json")}
    assert len(answers) == 4 and any(name.startswith("done/") for name in answers)
    assert search(everything(server, []) | answers) == []
