"""How well people in need are recognised in the examples themselves, each by a fit that leaves it out.

    python -m tests.eval.care_examples [--write]

With `--write` all examples are fitted for the console, after a change of them or of their vectors.

The ridge, the margin and the weight of a phrase are chosen by these figures, so that the sentences of
`tests.eval.care` only measure. The examples of each list are dealt out to five folds in turn. Exceptions of phrases
were written with the near misses in view, so their share is too low.
"""

import sys
from collections.abc import Mapping, Sequence

import anyio
import numpy as np

from backends.care.opening import FITTED, ORDINARY_LISTS, examples_of, open_care, read_examples
from backends.vectors.static.tokens import StaticTokens

from .care import READER
from .tables import figure

FOLDS = 5


async def recognised(texts: Mapping[str, Sequence[str]]) -> dict[str, list[str | None]]:
    """By list, the topic of each text, from the phrases and the examples of the other folds."""
    topics: dict[str, list[str | None]] = {name: [None] * len(listed) for name, listed in texts.items()}
    care = open_care(None)
    for fold in range(FOLDS):
        rest = {name: [text for n, text in enumerate(listed) if n % FOLDS != fold] for name, listed in texts.items()}
        fitted = care.compared_with(examples_of(StaticTokens.bundled(), rest))
        for name, listed in texts.items():
            for n in range(fold, len(listed), FOLDS):
                concern = await fitted.recognise(listed[n], READER)
                topics[name][n] = concern.topic if concern else None
    return topics


def report(topics: Mapping[str, Sequence[str | None]]) -> str:
    """A table: of each list, how many have its topic, and how many any; of ordinary lists none should."""
    lines = [f"{'':16}{'texts':>9}{'topic':>9}{'any':>9}"]
    for name, listed in topics.items():
        own = "-" if name in ORDINARY_LISTS else figure(sum(topic == name for topic in listed) / len(listed))
        noticed = figure(sum(topic is not None for topic in listed) / len(listed))
        lines.append(f"{name:16}{len(listed):9}{own:>9}{noticed:>9}")
    return "\n".join(lines)


if __name__ == "__main__":
    if sys.argv[1:] == ["--write"]:
        np.save(FITTED, examples_of(StaticTokens.bundled(), read_examples()).counts)
    print(report(anyio.run(recognised, read_examples())))
