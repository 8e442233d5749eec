"""The signs in an answer's text that are no words of it: a thought's tags, tokens that part an answer, a call's markup.

Servers that do not know a model's own markup pass it on as text. A sign may come in pieces, so each kind of sign has a
pattern for its beginning, too.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from backends.models.written_calls import CALL_MARKS

Sign: TypeAlias = Literal["thought", "end", "token", "last", "call", "bracket"]
"""What a sign is: the beginning or the end of a thought, a token, a token that only the last words are followed by, the
markup of a call, or a bracket or fence that a call may begin with."""

_NAMES = r"(?:(?:seed|antml):)?(?:think|thinking|thoughts?|reasoning|reflection|scratchpad)"
_TAG = rf"(?i:<{_NAMES}(?:\s[^<>\n]{{0,100}})?>|\[think(?:ing)?\])"
_TAG_END = rf"(?i:</{_NAMES}\s{{0,3}}>|\[/think(?:ing)?\])"
_PAIRS = {
    "◁think▷": "◁/think▷",
    "<|begin_of_thought|>": "<|end_of_thought|>",
    "<|START_THINKING|>": "<|END_THINKING|>",
    "<|channel>thought": "<channel|>",
}
_ANALYSIS = r"<\|channel\|>analysis(?! to=)[^<\n]{0,40}<\|message\|>"
_FINAL = (
    r"<\|channel\|>(?:final(?:[^<\n]{0,40}<\|constrain\|>[^<\n]{0,20}<\|message\|>|<\|message\|>)?"
    r"|commentary\s{0,3}<\|message\|>)"
)
_TOKENS = (
    *("<|start|>assistant", "<|end|>", "<|return|>", "<|im_start|>assistant", "<|im_end|>", "<|eot_id|>", "<|eom_id|>"),
    *("<|endoftext|>", "<|end_of_text|>", "<|begin_of_text|>", "<end_of_turn>", "<|end_of_turn|>", "<|eot|>"),
    *("<|begin_of_solution|>", "<|end_of_solution|>", "<|START_RESPONSE|>", "<|END_RESPONSE|>"),
    *("<\uff5cend▁of▁sentence\uff5c>", "<\uff5cbegin▁of▁sentence\uff5c>"),
)
"""Signs by which a model parts its answer."""

_LAST = ("</s>", "[/INST]")
_FENCES = ("```", "{", "[")


def _any(texts: Iterable[str]) -> str:
    return "|".join(map(re.escape, sorted(texts, key=len, reverse=True)))


_SIGNS = re.compile(
    rf"(?P<call>{_any(CALL_MARKS)})|(?P<tag>{_TAG})|(?P<thought>{_ANALYSIS}|{_any(_PAIRS)})"
    rf"|(?P<end>{_TAG_END}|{_any(_PAIRS.values())})|(?P<token>{_FINAL}|{_any(_TOKENS)})|(?P<last>{_any(_LAST)})"
    rf"|(?P<bracket>{_any(_FENCES)})"
)
_FIRST = frozenset("<[{`◁")
"""What every sign begins with."""

_TEXTS = (*CALL_MARKS, *_PAIRS, *_PAIRS.values(), *_TOKENS, *_LAST, "```", "<|channel|>", "[thinking]", "[/thinking]")
_NAMED = [
    f"{begin}{seed}{name}>"
    for begin in ("<", "</")
    for seed in ("", "seed:", "antml:")
    for name in ("thinking", "thoughts", "reasoning", "reflection", "scratchpad")
]
_BEGINNINGS = frozenset(text[:size].casefold() for text in (*_TEXTS, *_NAMED) for size in range(1, len(text)))
_LONGEST = max(map(len, _TEXTS))
_TAG_BEGINS = re.compile(rf"</?{_NAMES}(?:\s[^<>\n]{{0,100}})?\Z", re.IGNORECASE)
_CHANNEL_BEGINS = re.compile(r"<\|channel\|>(?:[a-z][^<\n]{0,40})?(?:<\|constrain\|>[^<\n]{0,20})?(?:<[|a-z]{0,12})?\Z")

_IN_A_SENTENCE = re.compile(r"[ \t]*[,;:.!?)\]]|[\"'\u2019\u201c\u201d\u00bb]|[ \t]+[(a-z\u00df-\u00ff]")
"""What follows a tag that a sentence speaks of."""

LONGEST = 140
"""Characters that a sign has at most."""

_TAG_FAMILY = re.compile(rf"(?P<open>{_TAG})|(?P<end>{_TAG_END})")
_CHANNEL_END = re.compile(r"(?P<open>(?!))|(?P<end><\|end\|>|(?=<\|(?:start|channel|return|call)\|>))")
_PAIR_ENDS = {begin: re.compile(rf"(?P<open>(?!))|(?P<end>{re.escape(end)})") for begin, end in _PAIRS.items()}
THOUGHT_ENDS = re.compile(rf"(?P<open>{_TAG}|{_any(_PAIRS)})|(?P<end>{_TAG_END}|{_any(_PAIRS.values())})")
"""The signs of a thought of which it is not known how it began."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A sign at a place in a text. `tag`: it counts at the beginning of a line alone, as people write tags, too."""

    start: int
    end: int
    text: str
    sign: Sign
    tag: bool = False

    def goes_on(self, after: str) -> bool:
        """Whether what comes behind `after`, the text so far behind the mark, decides where it ends or what it is."""
        if self.sign == "last":
            return len(after) < LONGEST and not after.strip()
        whole = self.text + after
        return whole.casefold() in _BEGINNINGS or (
            self.text == "<|channel|>final" and bool(_CHANNEL_BEGINS.match(whole))
        )


@dataclass(frozen=True, slots=True)
class Place:
    """A place in the text. What stands in code there, in a block or in a `span`, is an example.

    `blank`: only blanks stand before it in its line, which begins with the signs `start`. An answer that is a block and
    nothing else is no example: `words` stand before the block.
    """

    start: str = ""
    span: bool = False
    block: bool = False
    fenced: bool = False
    words: bool = False

    @property
    def blank(self) -> bool:
        return not self.start

    def after(self, text: str) -> "Place":
        """The place at the end of a text that begins here."""
        start, span, block, fenced, words = self.start, self.span, self.block, self.fenced, self.words
        for n, line in enumerate(text.split("\n")):
            if n:
                start, span = "", False
            before, start = start, (start + (line if start else line.lstrip()))[:3]
            if start in ("```", "~~~") and start != before:
                block, fenced = words and not fenced, not fenced
            span = span != bool(line.count("`") % 2)
            words = words or bool(line.strip())
        return Place(start, span, block, fenced, words)


def marks(text: str) -> Iterable[Mark]:
    """The signs in a text, in order."""
    if _FIRST.isdisjoint(text):
        return
    for match in _SIGNS.finditer(text):
        kind = str(match.lastgroup)
        sign: Sign = "thought" if kind == "tag" else kind  # type: ignore[assignment]  # the groups are named by it
        yield Mark(match.start(), match.end(), match.group(), sign, tag=kind == "tag")


def spoken_of(before: str, after: str, last: bool) -> bool | None:
    """Whether a thought's end that ended none is a word of the sentence about it; None if what follows decides.

    `before` and `after` are the text about it, as far as it is known; nothing follows the `last` text.
    """
    line = before.rpartition("\n")[2]
    if not line.strip():
        return False
    if re.search(_TAG, line):
        return True
    if line[-1] not in " \t(\"'\u2018\u201c\u201e\u00ab":
        return False
    return None if not after.strip(" \t") and not last else bool(_IN_A_SENTENCE.match(after))


def ends_of(begin: str) -> re.Pattern[str]:
    """What ends the thought that this sign begins: the group `end`. `open` is another beginning inside of it.

    Models mix tags up, so that any tag's end ends a tag.
    """
    return _PAIR_ENDS.get(begin) or (_CHANNEL_END if begin.startswith("<|channel|>") else _TAG_FAMILY)


def unfinished(text: str) -> int:
    """How many characters at the end of a text may be the beginning of a sign."""
    start = max(text.rfind(sign, max(0, len(text) - LONGEST)) for sign in "<[`◁")
    if start < 0:
        return 0
    most = 0
    for at in range(start, max(0, len(text) - LONGEST) - 1, -1):
        if text[at] not in _FIRST:
            continue
        tail = text[at:]
        if tail[:_LONGEST].casefold() in _BEGINNINGS or _TAG_BEGINS.match(tail) or _CHANNEL_BEGINS.match(tail):
            most = len(tail)
    # Whether a sign stands in code marks is seen by the character before it.
    return most + text[: len(text) - most].endswith("`") if most else 0


def begins_with_thought(text: str) -> bool:
    """Whether the text begins with the sign of a thought."""
    match = _SIGNS.match(text.lstrip())
    return match is not None and match.lastgroup in ("tag", "thought")
