"""Another process is suspended while it holds the lock of an SQLite store: Stop says so, and works once it goes on."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.desks import PATIENCE

expect = pytest.importorskip("playwright.sync_api", reason="playwright is not installed").expect

HOLDER = """
import sys, apsw
other = apsw.Connection(sys.argv[1])
other.execute("BEGIN IMMEDIATE")
print("held", flush=True)
sys.stdin.read()
other.execute("ROLLBACK")
"""


@contextmanager
def suspended(file: Path) -> Iterator[subprocess.Popen]:
    """A process that holds the lock and is suspended; it lets go once it is continued."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(file)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        try:
            assert holder.stdout.readline() == b"held\n"
            os.kill(holder.pid, signal.SIGSTOP)
            os.waitpid(holder.pid, os.WUNTRACED)
            holder.stdin.close()
            yield holder
        finally:
            holder.kill()


def test_stop_says_that_the_store_is_busy_and_works_once_the_other_process_goes_on(scripted, sign_in):
    page = sign_in(scripted, "e-1042")
    box = page.get_by_role("textbox", name="Ask about leave")
    box.fill("Talk forever, while another process is suspended")
    box.press("Enter")
    expect(page.get_by_text("It begins")).to_be_visible()
    stop = page.get_by_role("button", name="Stop")
    with suspended(scripted.folder / "desk.db") as holder:
        stop.click()
        expect(page.get_by_text("the store is busy")).to_be_visible()
        assert holder.poll() is None
        os.kill(holder.pid, signal.SIGCONT)
        assert holder.wait(PATIENCE) == 0
    stop.click()
    expect(page.get_by_text("Ask again if you want the whole answer")).to_be_visible()
    expect(stop).to_have_count(0)
