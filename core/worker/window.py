"""The history window: how much of a thread a model is sent before the open turn.

A window only chooses. What it chooses from is read for it, and a summary that it wants is made by the desk's own
model, on record like any other model call; so a window is a pure function that a test can ask.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from core.log.records import Summary, Turn
from core.options import Options

CHARACTERS_PER_TOKEN = 4
"""A rule of thumb for English text: the budget must hold roughly, and no tokenizer fits every model."""

MAX_TURNS = 499
"""Ended turns that a window is shown at most: with the open one, a store's largest page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What is sent: `turns` whole, oldest first, after `summary` if there is one.

    `summarize` are turns, oldest first, that a summary is to be made of first, together with `summary`; where that
    cannot be had, the rest is sent as chosen.
    """

    turns: Sequence[Turn]
    summary: Summary | None = None
    summarize: Sequence[Turn] = ()


class Window(Protocol):
    """Chooses what of a thread is sent. `summarizes` says whether it is ever to be shown a summary."""

    summarizes: bool

    def choose(self, turns: Sequence[Turn], summary: Summary | None, options: Options) -> Choice:
        """From the thread's ended turns, newest first, at most MAX_TURNS, and its newest summary or None."""


class NewestTurns:
    """The newest whole turns within the options' `window_tokens` and `window_messages`; what is older is left out."""

    summarizes = False

    def choose(self, turns: Sequence[Turn], summary: Summary | None, options: Options) -> Choice:
        return Choice(turns=_fitting(turns, options.window_tokens, options))


@dataclass(frozen=True, slots=True, kw_only=True)
class SummarizingWindow:
    """As `NewestTurns`, but what no longer fits is summarised before it is left out.

    Once the turns after the last summary outgrow `window_tokens`, all but the newest, `keep` of the tokens, become
    part of the next one: a long thread is summarised once in a while, and not at every turn.
    """

    keep: float = 0.5
    summarizes = True

    def choose(self, turns: Sequence[Turn], summary: Summary | None, options: Options) -> Choice:
        fresh = [turn for turn in turns if summary is None or turn.first_n > summary.last_n]
        if len(whole := _fitting(fresh, options.window_tokens, options)) == len(fresh):
            return Choice(turns=whole, summary=summary)
        kept = _fitting(fresh, round(options.window_tokens * self.keep), options)
        older = fresh[len(kept) :][::-1]
        budget = options.window_tokens * CHARACTERS_PER_TOKEN
        taken: list[Turn] = []
        for turn in older:
            budget -= turn.size
            if budget < 0 and taken:
                break
            taken.append(turn)
        return Choice(turns=kept, summary=summary, summarize=taken)


def _fitting(turns: Sequence[Turn], tokens: int, options: Options) -> list[Turn]:
    """The newest of these turns that fit, oldest first."""
    budget = tokens * CHARACTERS_PER_TOKEN
    kept: list[Turn] = []
    for turn in turns[: min(options.window_messages // 2, MAX_TURNS)]:
        budget -= turn.size
        if budget < 0:
            break
        kept.append(turn)
    return kept[::-1]
