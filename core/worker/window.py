"""The history window: how much of a thread a model is sent before the open turn.

A window only chooses. The worker reads the turns for it, and has the desk's own model write the summary that it wants,
on record like any other model call. So a window is a pure function, easy to test.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from core.log.records import Summary, Turn
from core.options import Options
from core.token_estimates import CHARACTERS_PER_TOKEN

MAX_TURNS = 499
"""The most ended turns that a window is shown: with the open turn, a store's largest page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What is sent: `turns` whole, oldest first, after `summary` if there is one.

    `summarize` are turns, oldest first, of which a summary is to be made first, together with `summary`. If that
    fails, the rest is sent as chosen.
    """

    turns: Sequence[Turn]
    summary: Summary | None = None
    summarize: Sequence[Turn] = ()


class Window(Protocol):
    """Chooses what of a thread is sent. `summarizes` says whether it is ever to be shown a summary."""

    summarizes: bool

    def choose(self, turns: Sequence[Turn], summary: Summary | None, options: Options) -> Choice:
        """From the thread's ended turns, newest first, at most MAX_TURNS, and its newest summary or None.

        The turns come without their citations.
        """


class NewestTurns:
    """The newest whole turns within the options' `window_tokens` and `window_messages`; what is older is left out."""

    summarizes = False

    def choose(self, turns: Sequence[Turn], summary: Summary | None, options: Options) -> Choice:
        return Choice(turns=_fitting(turns, options.window_tokens, options))


@dataclass(frozen=True, slots=True, kw_only=True)
class SummarizingWindow:
    """As `NewestTurns`, but older turns are summarised before they are left out.

    Once the turns after the last summary outgrow `window_tokens`, the newest stay, up to `keep` of the tokens, and the
    others become part of the next summary. So a long thread is summarised once in a while, not at every turn.
    """

    keep: float = 0.5
    summarizes = True

    def choose(self, turns: Sequence[Turn], summary: Summary | None, options: Options) -> Choice:
        fresh = [turn for turn in turns if summary is None or turn.first_n > summary.last_n]
        if len(whole := _fitting(fresh, options.window_tokens, options)) == len(fresh):
            return Choice(turns=whole, summary=summary)
        newest = _fitting(fresh, round(options.window_tokens * self.keep), options)
        older = fresh[len(newest) :][::-1]
        budget = options.window_tokens * CHARACTERS_PER_TOKEN
        taken: list[Turn] = []
        for turn in older:
            budget -= turn.size
            if budget < 0 and taken:
                break
            taken.append(turn)
        return Choice(turns=newest, summary=summary, summarize=taken)


def _fitting(turns: Sequence[Turn], tokens: int, options: Options) -> list[Turn]:
    """The newest of these turns that fit, oldest first."""
    budget = tokens * CHARACTERS_PER_TOKEN
    fitting: list[Turn] = []
    for turn in turns[: min(options.window_messages // 2, MAX_TURNS)]:
        budget -= turn.size
        if budget < 0:
            break
        fitting.append(turn)
    return fitting[::-1]
