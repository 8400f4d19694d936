"""The contract against the real binary: schemathesis makes requests of all kinds from openapi.yaml, and every check of it must pass."""

import http.client
import io
import re

import hypothesis
import pytest
import requests
import schemathesis
import urllib3
import yaml
from hypothesis import strategies
from schemathesis.checks import CHECKS, load_all_checks

from harness import ROOT, UnixConnection, dicom, jpeg, nifti, png

EXAMPLES = 10


class OverUnixSocket(requests.adapters.BaseAdapter):
    """Carries requests to a Unix socket. A stream that is followed ends for its reader when it has been idle for a moment."""

    def __init__(self, path):
        super().__init__()
        self.path = path

    def send(self, request, **options):
        connection = UnixConnection(self.path)
        try:
            connection.putrequest(request.method, request.path_url, skip_host=True, skip_accept_encoding=True)
            for name, value in {"Host": "tern", **request.headers}.items():
                connection.putheader(name, value)
            body = request.body.encode() if isinstance(request.body, str) else request.body
            connection.endheaders(body)
            answer = connection.getresponse()
            content = self.read(connection, answer, "follow=1" in request.path_url and request.method == "GET")
        except (OSError, http.client.HTTPException) as error:
            raise requests.ConnectionError(error, request=request) from error
        finally:
            connection.close()
        raw = urllib3.HTTPResponse(
            body=io.BytesIO(content), headers=urllib3.HTTPHeaderDict(answer.getheaders()), status=answer.status, reason=answer.reason, version=11,
            preload_content=False, request_method=request.method)
        return requests.adapters.HTTPAdapter().build_response(request, raw)

    @staticmethod
    def read(connection, answer, follows):
        if not follows or answer.status != 200:
            return answer.read()
        connection.sock.settimeout(0.05)
        content = b""
        try:
            while part := answer.read1(65536):
                content += part
        except TimeoutError:
            pass
        return content

    def close(self):
        pass


def real_files():
    import numpy as np

    volume = np.arange(2 * 16 * 16, dtype=np.uint8).reshape(2, 16, 16)
    schemathesis.openapi.media_type("image/png", strategies.sampled_from([png(), png(value=7, side=30)]))
    schemathesis.openapi.media_type("image/jpeg", strategies.sampled_from([jpeg(), jpeg(value=9)]))
    schemathesis.openapi.media_type("application/dicom", strategies.sampled_from([dicom(), dicom(side=9)]))
    schemathesis.openapi.media_type("application/nifti", strategies.sampled_from([nifti(volume)]))


load_all_checks()
real_files()
SCHEMA = schemathesis.openapi.from_dict(yaml.safe_load((ROOT / "Sources/TernService/openapi.yaml").read_text()))


@pytest.fixture(scope="module")
def session(tmp_path_factory, models):
    from harness import Server

    folder = tmp_path_factory.mktemp("openapi")
    server = Server(
        ["--model", models / "mean.tern", "--allow-unsigned", "--socket", folder / "tern.sock", "--state", folder / "state", "--queue", "1000"],
        folder / "tern.sock", folder / "state").wait_until_ready()
    server.post(png())
    with requests.Session() as session:
        session.mount("http://", OverUnixSocket(folder / "tern.sock"))
        yield session
    assert server.process.poll() is None
    assert server.stop() == 0
    server.process.stdout.close()
    server.process.stderr.close()


@SCHEMA.parametrize()
@hypothesis.settings(max_examples=EXAMPLES, deadline=None, derandomize=True, suppress_health_check=list(hypothesis.HealthCheck))
def test_every_answer_is_of_the_contract(case, session):
    answer = case.call(base_url="http://tern", session=session)
    # A method that the HTTP library does not know is 501 (RFC 9110, 15.6.2), as the contract says; schemathesis wants 405 for every method.
    if answer.request.method not in ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "TRACE", "CONNECT", "PATCH"):
        assert answer.status_code == 501
        return
    names = set(CHECKS.get_all_names())
    # A schema cannot say how many frames a file has or which results there are: frames that are not in the file, another modality than the
    # model's, a number that is yet to come or no longer kept are refused with the code for it. Nor can it say that a range does not go back, or that a live frame is one picture.
    if answer.status_code >= 400 and answer.headers.get("content-type") == ["application/problem+json"]:
        problem = answer.json()
        if problem["code"] in ("sequence_ahead", "findings_gone") or problem.get("reason", {}).get("value") in (
            "NO-SUCH-FRAME", "MODALITY-OTHER", "NOT-ONE-FRAME"):
            names.discard("positive_data_acceptance")
        # Nor that one parameter needs another.
        if "deadline_ms" in (case.query or {}) and str(case.query.get("wait")) != "1" and problem["code"] == "bad_query":
            names.discard("positive_data_acceptance")
        ends = re.fullmatch(r"([1-9][0-9]*)-([1-9][0-9]*)(:.*)?", str((case.query or {}).get("frames", "")))
        if ends and int(ends[2]) < int(ends[1]):
            names.discard("positive_data_acceptance")
    case.validate_response(answer, checks=[CHECKS.get_one(name) for name in sorted(names)])
