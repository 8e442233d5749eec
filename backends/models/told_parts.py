"""The text of an answer that comes in parts, such as blocks or items: what of it is told, and where each part stands.

A part's place is needed when the answer is sent back with the thoughts that led to its texts and calls.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from backends.models.answer_json import as_text
from backends.models.answer_text import AnswerText, Part
from core.canonical import Json
from core.model import ModelEvent, ReasoningDelta, TextDelta, WritingDelta

BETWEEN = "\n\n"
"""What parts two texts that are told apart, and two thoughts."""


@dataclass(slots=True)
class Words:
    """Where a part's words stand in the answer's text; `thoughts` are those that were written among them, in tags.

    `apart` if the part is no neighbour of the one before it.
    """

    start: int = 0
    end: int = 0
    apart: bool = True
    thoughts: list[str] = field(default_factory=list)

    def __bool__(self) -> bool:
        return self.end > self.start

    def layout(self) -> dict[str, Json]:
        """The words' place, as it is kept for the way back."""
        place: dict[str, Json] = {"start": self.start, "end": self.end}
        return {**place, "thought": "".join(self.thoughts)} if self.thoughts else place


def as_written(block: Mapping[str, Json], text: str) -> str:
    """A part of an answer's text as its model wrote it, by its `Words.layout`: its thought goes back in tags."""
    words, thought = text[block["start"] : block["end"]], as_text(block.get("thought")).strip()
    return f"<think>\n{thought}\n</think>\n\n{words}" if thought else words


@dataclass(slots=True)
class ToldParts:
    """The text of an answer as far as it was told; `length` is its length."""

    text: AnswerText
    length: int = 0
    _speaking: Words | None = None
    _thought: bool = False
    _thoughts_apart: bool = False

    def say(self, words: Words, text: str) -> Iterator[ModelEvent]:
        """A piece of a part's text."""
        if text:
            if words is not self._speaking:
                yield from self.pause()
            self._speaking = words
            yield from self._tell(words, self.text.read(text))

    def pause(self, words: Words | None = None, *, cut: bool = False) -> Iterator[ModelEvent]:
        """What was held back of the text of a part that ends, or that another one follows; of `words` only."""
        speaking = self._speaking
        if speaking is not None and (words is None or words is speaking):
            self._speaking = None
            yield from self._tell(speaking, self.text.finish(cut=cut))

    def think(self, thought: str) -> Iterator[ModelEvent]:
        """A piece of a thought that the server gives apart from the text."""
        if thought:
            self.text.told_apart()
            between = BETWEEN if self._thoughts_apart and self._thought else ""
            self._thought, self._thoughts_apart = True, False
            yield ReasoningDelta(text=between + thought)

    def part_thoughts(self) -> None:
        """The next piece of a thought begins another one."""
        self._thoughts_apart = True

    def _tell(self, words: Words, parts: Iterator[Part]) -> Iterator[ModelEvent]:
        for kind, text in parts:
            match kind:
                case "thought":
                    words.thoughts.append(text)
                    yield ReasoningDelta(text=text)
                case "held" if text:
                    yield WritingDelta(text=text)
                case "text":
                    between = BETWEEN if not words and self.length and words.apart else ""
                    if not words:
                        words.start = self.length + len(between)
                    self.length += len(between) + len(text)
                    words.end = self.length
                    yield TextDelta(text=between + text)
