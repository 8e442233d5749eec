"""Who may put a file on the server, and how large: real sessions of a real server, and raw HTTP."""

import json
import shutil
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import pytest
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import connect
from websockets.typing import Subprotocol

from backends.handbooks.documents.model import LARGEST
from console.headers import HEADERS
from console.sign_in.development import COOKIE
from tests.support.consoles import ROOT, Answer, Console, answer_to, running
from tests.support.desks import PATIENCE

BOUNDARY = "rolltop-boundary"
FRONT = (
    f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="leave.md"\r\n'
    "Content-Type: text/markdown\r\n\r\n"
).encode()
END = f"\r\n--{BOUNDARY}--\r\n".encode()
SMALL = FRONT + b"# Leave\n\nTwenty-five days.\n" + END
MEBIBYTE = 2**20


@pytest.fixture(scope="module")
def console(tmp_path_factory: pytest.TempPathFactory, sample_catalogue: Path) -> Iterator[Console]:
    folder = tmp_path_factory.mktemp("console")
    shutil.copy(sample_catalogue, folder / "desk.db-handbooks")
    with running(folder, "offline:") as console:
        yield console


def signed_in(person: str, role: str, purpose: str = "") -> str:
    return f"{COOKIE}={quote(json.dumps({'person': person, 'role': role, 'purpose': purpose}))}"


OWNER = signed_in("e-4001", "knowledge_owner")


@contextmanager
def session(console: Console, cookie: str = "") -> Iterator[str]:
    """The id of a session that is open during the block, as a tab's is."""
    url = f"ws://127.0.0.1:{console.port}/_stcore/stream"
    headers = {"Cookie": cookie} if cookie else {}
    plain = {"proxy": None, "ping_interval": None, "max_size": None, "max_queue": None}
    with connect(url, subprotocols=[Subprotocol("streamlit")], additional_headers=headers, **plain) as tab:
        tab.send(BackMsg(rerun_script=ClientState()).SerializeToString())
        while True:
            message = ForwardMsg.FromString(tab.recv(PATIENCE))
            if message.WhichOneof("type") == "new_session":
                break
        yield message.new_session.initialize.session_id


def put(console: Console, id: str, cookie: str, *size: str, body: bytes = b"") -> Answer:
    """An upload into this session, with the token against forgery that each browser has from its first request."""
    health = f"GET /_stcore/health HTTP/1.1\r\nHost: 127.0.0.1:{console.port}\r\n\r\n"
    token = answer_to(console.port, health.encode()).headers["set-cookie"].partition(";")[0]
    lines = (
        f"PUT /_stcore/upload_file/{id}/file-1 HTTP/1.1",
        f"Host: 127.0.0.1:{console.port}",
        f"Cookie: {token}" + (f"; {cookie}" if cookie else ""),
        f"X-Xsrftoken: {token.partition('=')[2]}",
        f"Content-Type: multipart/form-data; boundary={BOUNDARY}",
        *(size or (f"Content-Length: {len(body)}",)),
    )
    return answer_to(console.port, "\r\n".join((*lines, "", "")).encode() + body)


@pytest.mark.parametrize(
    "cookie",
    [
        "",
        f"{COOKIE}=",
        f"{COOKIE}=knowledge_owner",
        f"{COOKIE}={quote('[' * 2_000)}",
        f"{COOKIE}={quote(json.dumps({'person': 'e-2001', 'role': 'auditor', 'purpose': 7}))}",
        signed_in("e-1042", "employee"),
        signed_in("e-1042", "knowledge_owner"),
        signed_in("e-2001", "auditor", "quality sample"),
        signed_in("e-3001", "approver"),
        signed_in("e-4001", "employee"),
    ],
)
def test_only_a_knowledge_owner_uploads(console, cookie):
    with session(console, cookie) as id:
        answer = put(console, id, cookie, body=SMALL)
    assert answer.status == 403
    assert "knowledge owner" in answer.text
    assert {name.lower(): value for name, value in HEADERS.items()}.items() <= answer.headers.items()


def test_a_stranger_is_refused_before_the_file_is_sent(console):
    with session(console) as id:
        assert put(console, id, "", f"Content-Length: {LARGEST}").status == 403
        assert put(console, id, "", "Transfer-Encoding: chunked").status == 403


def test_a_path_in_other_letters_is_no_way_around(console):
    with session(console) as id:
        for path in (f"%5fstcore/upload_file/{id}/x", f"/_stcore/upload_file/{id}/x", f"_stcore//upload_file/{id}/x"):
            lines = (f"PUT /{path} HTTP/1.1", f"Host: 127.0.0.1:{console.port}", "Content-Length: 0", "", "")
            answer = answer_to(console.port, "\r\n".join(lines).encode())
            assert (answer.status, "knowledge owner" in answer.text) == (403, True)


def test_a_knowledge_owners_file_is_accepted(console):
    with session(console, OWNER) as id:
        assert put(console, id, OWNER, body=SMALL).status == 204


def test_the_server_takes_files_as_large_as_documents_may_be():
    settings = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text())
    assert settings["server"]["maxUploadSize"] * MEBIBYTE == LARGEST


def test_a_file_that_says_it_is_too_large_is_refused_before_it_is_sent(console):
    with session(console, OWNER) as id:
        assert put(console, id, OWNER, f"Content-Length: {LARGEST + MEBIBYTE}").status == 413


def test_a_file_that_does_not_say_its_size_is_refused_once_it_has_grown_too_large(console):
    # It never ends, so an answer shows that the server did not wait for the end.
    chunk = f"{MEBIBYTE:x}\r\n".encode() + bytes(MEBIBYTE) + b"\r\n"
    begin = f"{len(FRONT):x}\r\n".encode() + FRONT + b"\r\n"
    with session(console, OWNER) as id:
        body = begin + chunk * (LARGEST // MEBIBYTE + 2)
        assert put(console, id, OWNER, "Transfer-Encoding: chunked", body=body).status == 413
