"""The end of a server: SIGTERM waits for running turns, for a bounded time."""

import signal

import anyio
import pytest

from console.drain import draining, is_leaving
from tests.support.desks import PATIENCE


@pytest.fixture
def ended():
    """The SIGTERMs that reach the server's own handler."""
    signals: list[int] = []
    former = signal.signal(signal.SIGTERM, lambda number, frame: signals.append(number))
    yield signals
    signal.signal(signal.SIGTERM, former)


async def until(condition):
    with anyio.fail_after(PATIENCE):
        while not condition():  # noqa: ASYNC110  # what is waited for has no event
            await anyio.sleep(0.01)


async def test_a_server_with_a_turn_is_leaving_at_once_and_ends_when_the_turn_has(ended):
    over = False
    with draining(PATIENCE, lambda: over):
        assert not is_leaving()
        signal.raise_signal(signal.SIGTERM)
        assert is_leaving()
        assert ended == []
        over = True
        await until(lambda: ended)
    assert ended == [signal.SIGTERM]
    assert not is_leaving()


async def test_a_turn_that_does_not_end_is_waited_for_as_long_as_the_setting_says(ended):
    with draining(0.05, lambda: False):
        signal.raise_signal(signal.SIGTERM)
        await until(lambda: ended)


@pytest.mark.parametrize(("seconds", "idle", "signals"), [(0, False, 1), (PATIENCE, True, 1), (PATIENCE, False, 2)])
async def test_without_a_turn_or_a_wait_and_at_a_second_signal_a_server_ends_at_once(ended, seconds, idle, signals):
    with draining(seconds, lambda: idle):
        for _ in range(signals):
            assert ended == []
            signal.raise_signal(signal.SIGTERM)
        assert ended == [signal.SIGTERM]
