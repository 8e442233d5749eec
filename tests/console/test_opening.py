"""The composition root: what cannot be opened yet is tried again, one attempt at a time, and can be given up."""

import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from time import monotonic, sleep

import anyio
import pytest

import console.app
from backends import open_store
from console.app import app, close, start
from core.errors import InvalidInput, StoreRefused, Unavailable

SECONDS = 30


@pytest.fixture(autouse=True)
def _quick(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Attempts follow each other at once, over a store in a file and an empty folder of handbooks."""
    (tmp_path / "handbooks").mkdir()
    monkeypatch.setenv("ROLLTOP_HANDBOOKS", str(tmp_path / "handbooks"))
    monkeypatch.setenv("ROLLTOP_STORE", f"sqlite:///{tmp_path}/desk.db")
    monkeypatch.setattr(console.app, "AWAY_SECONDS", 0.01)
    monkeypatch.setattr(console.app, "REFUSED_SECONDS", 0.01)
    yield
    close()


class Attempts:
    """Stands before `open_store`: counts attempts, and lets each do first what it is told."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *first: Exception | None) -> None:
        """`first` are what the first attempts raise; None is an attempt that hangs."""
        self.begun = self.closed = self.together = self.most_together = 0
        self._first = list(first)
        monkeypatch.setattr(console.app, "open_store", self.open_store)

    @asynccontextmanager
    async def open_store(self, url: str) -> AsyncIterator[object]:
        self.begun += 1
        self.together += 1
        self.most_together = max(self.most_together, self.together)
        try:
            if self._first:
                failure = self._first.pop(0)
                if failure is None:
                    await anyio.sleep_forever()
                    return
                raise failure
        finally:
            self.together -= 1
        async with open_store(url) as store:
            yield store
        self.closed += 1


def until(true: Callable[[], object]) -> None:
    end = monotonic() + SECONDS
    while not true():
        assert monotonic() < end
        sleep(0.01)


def test_a_store_that_is_away_at_the_start_is_opened_once_it_is_there_and_recovery_has_begun(monkeypatch):
    attempts = Attempts(monkeypatch, *[Unavailable("away")] * 3)
    until(lambda: start().failure is None)
    assert attempts.begun == 4
    assert app().run(app().desk.recover()) is None
    assert app().models == ["offline:"]


def test_while_the_desk_is_not_open_every_caller_hears_why_at_once_and_one_attempt_goes_on(monkeypatch):
    attempts = Attempts(monkeypatch, Unavailable("away"), None)
    with pytest.raises(Unavailable, match="away"):
        app()
    until(lambda: attempts.begun == 2)
    heard = []

    def ask() -> None:
        try:
            app()
        except Unavailable as error:
            heard.append(str(error))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(SECONDS)
    assert heard == ["away"] * 8
    assert (attempts.begun, attempts.most_together) == (2, 1)


def test_an_attempt_that_hangs_is_given_up_when_the_process_ends(monkeypatch):
    attempts = Attempts(monkeypatch, Unavailable("away"), None)
    start()
    until(lambda: attempts.together == 1)
    closing = threading.Thread(target=close)
    closing.start()
    closing.join(SECONDS)
    assert not closing.is_alive()
    assert attempts.together == 0


def test_what_a_failed_attempt_had_opened_is_closed(monkeypatch):
    attempts = Attempts(monkeypatch)
    monkeypatch.setenv("ROLLTOP_MODEL", "nothing:")
    assert isinstance(start().failure, InvalidInput)
    until(lambda: attempts.begun > 2)
    assert attempts.closed >= attempts.begun - 1


def test_a_store_that_refuses_is_opened_once_its_operator_has_acted(tmp_path):
    (tmp_path / "desk.db").write_bytes(b"no database at all" * 100)
    with pytest.raises(StoreRefused, match="put the file back from a copy"):
        app()
    (tmp_path / "desk.db").unlink()
    until(lambda: start().failure is None)
    assert app().models == ["offline:"]


def test_settings_that_cannot_be_are_told_and_no_value_is_repeated(monkeypatch):
    monkeypatch.setenv("ROLLTOP_STROE", "s3cret")
    with pytest.raises(InvalidInput, match="ROLLTOP_STROE: unknown setting") as wrong:
        app()
    assert "s3cret" not in str(wrong.value)


def test_what_went_wrong_unexpectedly_is_in_the_log_with_its_place_and_tried_again(monkeypatch, caplog):
    Attempts(monkeypatch, OSError("the disk is asleep"))
    start()
    until(lambda: start().failure is None)
    assert "the desk cannot be opened yet: OSError (test_opening.py:" in caplog.text
    assert "asleep" not in caplog.text
