"""Documents read in a process of their own, which may die of them: `parse` and `parsing`, and what that process runs.

The process is started once for many files, as its start takes a third of a second, and forks for each: so every file
has limits of its own, and what one leaves behind the next does not find. No environment, and no answer but JSON.
"""

import json
import os
import resource
import select
import signal
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from importlib import import_module
from pathlib import Path
from subprocess import DEVNULL, PIPE
from typing import BinaryIO, TypeAlias

import anyio
from anyio.abc import Process
from anyio.streams.buffered import BufferedByteReceiveStream
from pydantic import NonNegativeInt, PositiveInt

from backends.handbooks.documents.model import LARGEST, ParsedDocument, Refused
from backends.handbooks.documents.read import read_document
from core.values import Value

_ROOT = Path(__file__).resolve().parents[3]
_PATIENCE = 30
"""Seconds, beyond those of a file, in which its process has to say that they are over."""
_DOCUMENT, _REFUSED = b"D", b"R"


class DocumentLimits(Value):
    """What a file may take: seconds of the processor and of the clock, bytes of memory and of JSON that it becomes."""

    cpu_seconds: PositiveInt = 60
    wall_seconds: NonNegativeInt = 120
    memory: PositiveInt = 1024 * 1024 * 1024
    output: PositiveInt = 3 * LARGEST


Parse: TypeAlias = Callable[[bytes, str], Awaitable[ParsedDocument]]


async def parse(data: bytes, name: str) -> ParsedDocument:
    """The document in `data`, which came as a file of this name. Raises Refused; the file harms nobody but itself."""
    async with parsing() as parse:
        return await parse(data, name)


@asynccontextmanager
async def parsing(limits: DocumentLimits | None = None) -> AsyncIterator[Parse]:
    """`parse` for many files: some 10 ms each, one at a time, in a process that ends with the block."""
    reader = _Reader(limits or DocumentLimits())
    try:
        yield reader.parse
    finally:
        with anyio.CancelScope(shield=True):
            await reader.close()


class _Reader:
    """The process, started with the first file, and anew after one that had to be stopped from here."""

    def __init__(self, limits: DocumentLimits) -> None:
        self._limits = limits
        self._process: Process | None = None
        self._answers: BufferedByteReceiveStream | None = None
        self._one = anyio.Lock()

    async def parse(self, data: bytes, name: str) -> ParsedDocument:
        if len(data) > LARGEST:
            raise Refused(f"{name} is larger than {LARGEST // 2**20} MB: split it, or leave out its pictures")
        async with self._one:
            answered = False
            try:
                with anyio.fail_after(self._limits.wall_seconds + _PATIENCE):
                    kind, answer = await self._ask(data, name)
                answered = True
            except (TimeoutError, anyio.BrokenResourceError, anyio.IncompleteRead, anyio.ClosedResourceError) as error:
                raise Refused(f"{name} stopped the process that read it: export it anew, or leave it out") from error
            finally:
                if not answered:
                    with anyio.CancelScope(shield=True):
                        await self.close()
        if kind == _REFUSED:
            raise Refused(answer.decode())
        return ParsedDocument.model_validate_json(answer)

    async def close(self) -> None:
        if self._process is None:
            return
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        await self._process.aclose()
        self._process = self._answers = None

    async def _ask(self, data: bytes, name: str) -> tuple[bytes, bytes]:
        if self._process is None:
            self._process = await anyio.open_process(
                [sys.executable, "-m", "backends.handbooks.documents.sandbox", self._limits.model_dump_json()],
                stdin=PIPE,
                stdout=PIPE,
                stderr=DEVNULL,
                cwd=_ROOT,
                env={},
                start_new_session=True,
            )
            assert self._process.stdout is not None
            self._answers = BufferedByteReceiveStream(self._process.stdout)
        assert self._process.stdin is not None
        assert self._answers is not None
        await self._process.stdin.send(json.dumps([name, len(data)]).encode() + b"\n" + data)
        kind, size = (await self._answers.receive_until(b"\n", 32)).split()
        return kind, await self._answers.receive_exactly(int(size))


def serve(requests: BinaryIO, answers: BinaryIO, limits: DocumentLimits) -> None:
    """Read one file after the other, to the end of `requests`."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    while header := requests.readline():
        name, size = json.loads(header)
        kind, answer = _forked(requests.read(size), name, limits)
        answers.write(b"%s %d\n" % (kind, len(answer)))
        answers.write(answer)
        answers.flush()


def _forked(data: bytes, name: str, limits: DocumentLimits) -> tuple[bytes, bytes]:
    _import_reader(data, name)
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        _answer(data, name, limits, writing)
    os.close(writing)
    try:
        answer, fault = _received(reading, limits)
        if fault:
            os.kill(child, signal.SIGKILL)
    finally:
        os.close(reading)
        _, status = os.waitpid(child, 0)
    if fault := fault or _fault(status, limits):
        return _REFUSED, f"{name} {fault}".encode(errors="replace")
    if not answer:
        return _REFUSED, f"{name} cannot be read: export it anew, or leave it out".encode(errors="replace")
    return answer[:1], answer[1:]


def _import_reader(data: bytes, name: str) -> None:
    """Import what is likely needed, before the fork, so that it is imported once. What it is, is decided later."""
    guess = name.lower().rpartition(".")[2]
    readers = {
        "md": "markdown",
        "markdown": "markdown",
        "htm": "html.reader",
        "html": "html.reader",
        "xhtml": "html.reader",
    }
    if data.startswith(b"PK"):
        import_module("backends.handbooks.documents.docx.reader")
    elif b"%PDF-" in data[:1024]:
        import_module("backends.handbooks.documents.pdf.reader")
    elif not data[:1].isspace():
        import_module(f"backends.handbooks.documents.{readers.get(guess, 'text')}")


def _answer(data: bytes, name: str, limits: DocumentLimits, writing: int) -> None:
    """In the fork: read the file within its limits, write the answer, and end."""
    for limit, most in (
        (resource.RLIMIT_CPU, limits.cpu_seconds),
        (resource.RLIMIT_AS, limits.memory),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NOFILE, 64),
    ):
        resource.setrlimit(limit, (most, most))
    answer = b""
    try:
        answer = _DOCUMENT + _read(data, name, limits)
    except Refused as refused:
        answer = _REFUSED + str(refused).encode(errors="replace")
    finally:
        # Whatever was raised, the fork ends here: it is a copy of a process that goes on.
        with os.fdopen(writing, "wb") as answers:
            answers.write(answer)
        os._exit(0)


def _read(data: bytes, name: str, limits: DocumentLimits) -> bytes:
    try:
        return read_document(data, name).model_dump_json().encode()
    except MemoryError as error:
        raise Refused(f"{name} takes more memory than {limits.memory // 2**20} MB: split it") from error


def _received(reading: int, limits: DocumentLimits) -> tuple[bytes, str]:
    """What the fork wrote, and what is wrong with that."""
    deadline = time.monotonic() + limits.wall_seconds
    answer = bytearray()
    while True:
        ready, _, _ = select.select([reading], [], [], max(0.0, deadline - time.monotonic()))
        if not ready:
            return b"", f"takes longer than {limits.wall_seconds} seconds to read: split it, or export it anew"
        if not (chunk := os.read(reading, 1 << 20)):
            return bytes(answer), ""
        answer += chunk
        if len(answer) > limits.output:
            return b"", f"becomes more than {limits.output // 2**20} MB of text: split it"


def _fault(status: int, limits: DocumentLimits) -> str:
    """What a fork died of; "" if it did not."""
    if os.WIFSIGNALED(status):
        if os.WTERMSIG(status) in (signal.SIGXCPU, signal.SIGKILL):
            return f"takes more than {limits.cpu_seconds} seconds of work to read: split it, or export it anew"
        return (
            f"breaks the program that reads it, in {limits.memory // 2**20} MB of memory: split it, or export it anew"
        )
    return ""


if __name__ == "__main__":
    serve(sys.stdin.buffer, sys.stdout.buffer, DocumentLimits.model_validate_json(sys.argv[1]))
