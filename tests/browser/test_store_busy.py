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


def test_while_another_process_is_suspended_a_page_says_so_and_goes_on_after_it_without_a_reload(scripted, sign_in):
    """Stop waits for a second click; a page that must put a look on record first comes by itself."""
    page = sign_in(scripted, "e-2001")
    page.set_viewport_size({"width": 390, "height": 800})
    page.goto(scripted.url)
    box = page.get_by_role("textbox", name="Ask about leave")
    box.fill("Talk forever, while another process is suspended")
    box.press("Enter")
    expect(page.get_by_text("It begins")).to_be_visible()
    stop, thread = page.get_by_role("button", name="Stop"), page.url
    with suspended(scripted.folder / "desk.db") as holder:
        stop.click()
        expect(page.get_by_text("the store is busy")).to_be_visible()
        page.goto(f"{scripted.url}/threads?th_time=all")
        expect(page.get_by_text(f"process {holder.pid}, which is suspended")).to_be_visible()
        assert holder.poll() is None
        os.kill(holder.pid, signal.SIGCONT)
        assert holder.wait(PATIENCE) == 0
    expect(page.get_by_text("without sealed threads")).to_be_visible()
    page.goto(thread)
    stop.click()
    expect(page.get_by_text("Ask again if you want the whole answer")).to_be_visible()
    expect(stop).to_have_count(0)
