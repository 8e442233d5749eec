"""Channels of an answer whose special tokens its server has stripped: `analysisWe must look.assistantfinalTwelve days.`

The tokens are put back, so that the answer is read like any other.
"""

import re

_BEGINS = re.compile(r"\s*analysis(?=[A-Z])")
_MAY_BEGIN = "analysis"
_SIGN = re.compile(r"assistant(?P<channel>final|analysis|commentary(?P<call> to=)?)")
_SIGNS = ("assistantfinal", "assistantanalysis", "assistantcommentary to=")


class StrippedChannels:
    """Puts the tokens back into one answer's text, which is such an answer only if it begins like one."""

    def __init__(self) -> None:
        self._begins = True
        self._within = False
        self._rest = ""

    def read(self, piece: str) -> str:
        """What is clear of the text with this piece of it."""
        if not self._begins and not self._within:
            return piece
        self._rest += piece
        if self._begins:
            begun = self._rest.lstrip()
            if len(begun) <= len(_MAY_BEGIN) and _MAY_BEGIN.startswith(begun):
                return ""
            self._begins, self._within = False, _BEGINS.match(self._rest) is not None
            if self._within:
                self._rest = _BEGINS.sub("", self._rest, count=1)
                return "<|channel|>analysis<|message|>" + self._clear()
        return self._clear()

    def finish(self) -> str:
        """What is left at the end of the text, or of a part of it."""
        rest, self._rest = self._rest, ""
        self._begins = self._begins and not rest
        return rest

    def _clear(self) -> str:
        clear = ""
        while self._within and (sign := _SIGN.search(self._rest)):
            if sign["channel"] == "commentary" and any(one.startswith(self._rest[sign.start() :]) for one in _SIGNS):
                break  # a call may follow
            clear += self._rest[: sign.start()] + "<|end|><|start|>assistant<|channel|>"
            clear += "commentary to=" if sign["call"] else f"{sign['channel']}<|message|>"
            self._rest = self._rest[sign.end() :]
            self._within = sign["channel"] != "final" and not sign["call"]
        held = _held(self._rest) if self._within else 0
        clear += self._rest[: len(self._rest) - held]
        self._rest = self._rest[len(self._rest) - held :]
        return clear


def _held(text: str) -> int:
    """How many characters at the end of a text may begin a sign."""
    sizes = range(min(len(text), max(map(len, _SIGNS)) - 1), 0, -1)
    return next((size for size in sizes if any(sign.startswith(text[-size:]) for sign in _SIGNS)), 0)
