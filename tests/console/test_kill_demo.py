"""`rolltop demo --kill`: what it shows, what it proves, and that it says so if a promise does not hold."""

import json
import re

import pytest

from console.cli import main as command_line
from console.cli.output import FAILED, GOOD, LOOK_AT_IT
from console.demo.kill import Promise, ServerFailed, prove
from tests.demo_picture import picture
from tests.support.paths import ROOT


def promises(svg):
    """The lines of promises in the picture, without their numbers."""
    return [re.sub(r"\d+", "0", line) for line in re.findall(r">(kept .*)</text>", svg)]


def test_a_killed_server_loses_no_text_and_repeats_no_effect(capsys):
    assert command_line.main(["demo", "--kill"]) == GOOD
    printed = capsys.readouterr().out
    before, _, after = printed.partition("Killed the server")
    shown = before.partition("[book_room: succeeded]")[2].removesuffix(" ...\n\n")
    assert len(shown) > 60
    assert shown in after
    assert "[interrupted]" in after
    assert "[completed]" in after
    assert "1 booking" in after
    assert after.count("\nkept ") == 6
    # The README's picture is of this command, but for that day's numbers: the kill may come a word earlier or later.
    assert len(promises(picture(printed))) == 6
    assert promises(picture(printed)) == promises((ROOT / "docs" / "demo-kill.svg").read_text())


async def test_a_store_that_forgets_breaks_the_promise_and_the_proof_says_so():
    """Without this test the proof could be a text."""
    broken = [one.promise for one in await prove(lambda _: None, "memory:") if not one.held]
    assert "Shown means stored" in broken
    assert "A turn always ends" in broken


@pytest.mark.parametrize("option", [("--store", "sqlite:///desk.db"), ("--people", "20"), ("--threads", "3")])
def test_options_of_another_demo_are_refused_beside_it(capsys, option):
    assert command_line.main(["demo", "--kill", *option]) == FAILED
    assert "makes a store of its own" in capsys.readouterr().err


def test_a_broken_promise_is_exit_code_1(monkeypatch, capsys):
    async def proof(tell):
        return [Promise(promise="Shown means stored", held=False, seen="0 of 9 characters")]

    monkeypatch.setattr(command_line, "prove", proof)
    assert command_line.main(["demo", "--kill", "--json"]) == LOOK_AT_IT
    assert json.loads(capsys.readouterr().out)["held"] is False


async def test_a_server_that_does_not_start_is_an_error(capfd):
    with pytest.raises(ServerFailed, match="exit code 1"):
        await prove(lambda _: None, "nothing:")
    assert "unknown store" in capfd.readouterr().err
