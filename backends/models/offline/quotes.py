"""An answer made of quotes: the sentences, list items and table rows of the passages that fit a question best.

Nothing is phrased here but the frame: which document a quote is from. A quote keeps its order, a gap in a paragraph is
shown as [...], and the marker [n] stands right behind it.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from backends.stems import question_words, rarity, stem, terms
from core.model import UserMessage
from core.values import Passage

WITHOUT = (
    "This desk runs without a language model: it quotes the handbooks, uses the tools it has, and guesses nothing."
)
NOTHING_FOUND = "I found nothing in the handbooks that answers this."
NEXT = f"Please try the words a handbook would use, or contact the People team. {WITHOUT}"
OTHERWISE = "These handbooks do not say the same. The newer or more specific one stands first; ask the People team."
NOTHING_ASKED = f"What would you like to know? {WITHOUT}"

MOST_PASSAGES = 3
MOST_UNITS = 4
WHOLE = 8
"""Items or rows up to which a list or a table is quoted whole."""
COVERED = 0.33
"""The share of a question, by weight, that the best passage must have for it to be about the question at all, where
nobody has judged."""
CLOSE = 0.6
"""The share of the best passage's score from which another is quoted too."""

_AMOUNT = re.compile(
    r"\bhow (?:many|much|long|often|far|soon|early|late|big|high)\b|\bwhen\b|\b(?:amount|rate|limit)\b", re.I
)
_MARKER = re.compile(r"\[(\d{1,3})\]")
_END = re.compile(r"(?<=[.!?])[\"')\]]?\s+(?=[\"'(\[]?[A-Z0-9])")
_NO_END = re.compile(r"(?:\b(?:e\.g|i\.e|etc|cf|approx|max|min|No|Nos|Art|Mr|Ms|Mrs|Dr|z\.B|incl)|\b\d{1,2})\.$")
_ITEM = re.compile(r"(?:[-*+]|\d+[.)])\s")

Shape: TypeAlias = Literal["sentences", "list", "table"]


@dataclass(frozen=True, slots=True)
class Block:
    """A paragraph, list or table; `units` are its sentences, items or rows, `lead` what stands above them."""

    shape: Shape
    units: tuple[str, ...]
    lead: tuple[str, ...] = ()


def quote(question: UserMessage) -> str:
    """Markdown that quotes the passages which fit the question, in their order; says so when none does."""
    asked = {stem(word) for word in question_words(question.text)}
    if not asked:
        return NOTHING_ASKED
    heads = [set(terms(_heading(passage))) for passage in question.passages]
    bodies = [head | set(terms(passage.text)) for head, passage in zip(heads, question.passages, strict=True)]
    weights = rarity(bodies)
    unheard = max(weights.values(), default=1.0)
    covered = [sum(weights[term] for term in asked & body) for body in bodies]
    whole = sum(weights.get(term, unheard) for term in asked)
    enough = max(covered, default=0.0) >= COVERED * whole
    if not (question.judgement.answers if question.judgement else enough) or not question.passages:
        return _nothing_found(question.passages)
    # A heading is what its author says a passage is about: its words count twice.
    scores = [in_all + sum(weights[term] for term in asked & head) for in_all, head in zip(covered, heads, strict=True)]
    if question.judgement:
        # The search has seen more than shared words: what it holds best may share none.
        best = max(passage.score for passage in question.passages) or 1.0
        scores = [
            score + whole * passage.score / best for score, passage in zip(scores, question.passages, strict=True)
        ]
    chosen = [n for n, score in enumerate(scores) if score >= CLOSE * max(scores)]
    chosen = sorted(sorted(chosen, key=lambda n: -scores[n])[:MOST_PASSAGES])
    amount = _AMOUNT.search(question.text.casefold()) is not None
    said = [_quoted(question.passages[n], n + 1, asked, amount) for n in chosen]
    ids = {question.passages[n].id for n in chosen}
    if any(not ids.isdisjoint(question.passages[n].conflicts) for n in chosen):
        said.append(OTHERWISE)
    return "\n\n".join(said)


def _nothing_found(passages: Sequence[Passage]) -> str:
    nearest = list(dict.fromkeys(passage.title for passage in passages))[:MOST_PASSAGES]
    searched = f"I searched those that hold for you; nearest came {', '.join(f'“{title}”' for title in nearest)}."
    return unmarked(" ".join([NOTHING_FOUND, *([searched] if nearest else []), NEXT]))


def unmarked(text: str) -> str:
    """The text with its own `[2]` written so that it reads the same and is not taken for a citation."""
    return _MARKER.sub(r"[\1\\]", text)


def _quoted(passage: Passage, n: int, asked: set[str], amount: bool) -> str:
    blocks = read_blocks(passage.text)
    about = bool(asked & set(terms(passage.section[-1] if passage.section else passage.title)))
    kept = _best(blocks, asked, about=about, amount=amount)
    lead = f"From “{passage.title}”" + (f", section {' / '.join(passage.section)}" if passage.section else "") + ":"
    body = unmarked("\n\n".join(_block(blocks[index], units) for index, units in kept.items()))
    body += f"\n\n[{n}]" if blocks[max(kept)].shape == "table" else f" [{n}]"
    return unmarked(lead) + "\n\n" + "\n".join(f"> {line}".rstrip() for line in body.split("\n"))


def _best(blocks: Sequence[Block], asked: set[str], *, about: bool, amount: bool) -> Mapping[int, list[int]]:
    """The units to quote, by block, in the passage's order.

    `about`: the heading is what was asked for, so the first words count too. `amount`: a number is looked for.
    """
    units = [(index, unit) for index, block in enumerate(blocks) for unit in range(len(block.units))]
    said = [blocks[index].units[unit] for index, unit in units]
    found = [set(terms(f"{' '.join(blocks[index].lead)} {text}")) for (index, _), text in zip(units, said, strict=True)]
    weights = rarity(found)
    matched = [sum(weights[term] for term in asked & terms_) for terms_ in found]
    top = max(matched) or 1.0
    scores = list(matched)
    for place, text in enumerate(said):
        if amount and any(letter.isdigit() for letter in text):
            scores[place] += top / 2
        if about or not any(matched):
            scores[place] += top * max(0, 3 - place) / 3
    ranked = sorted(range(len(units)), key=lambda place: (-scores[place], place))[:MOST_UNITS]
    bar = scores[ranked[0]] / 3
    kept: dict[int, list[int]] = {}
    for place in sorted(place for place in ranked if scores[place] >= bar):
        index, unit = units[place]
        kept.setdefault(index, []).append(unit)
    fits = dict(zip(units, matched, strict=True))
    return {index: _rounded(blocks[index], index, chosen, fits) for index, chosen in kept.items()}


def _rounded(block: Block, index: int, chosen: list[int], fits: Mapping[tuple[int, int], float]) -> list[int]:
    """A short list or table whole; of a long one the rows that fit best, as all share the words of the header."""
    if block.shape == "sentences":
        return chosen
    if len(block.units) <= WHOLE:
        return [*range(len(block.units))]
    best = max(fits[index, unit] for unit in chosen)
    return [unit for unit in chosen if fits[index, unit] == best]


def _block(block: Block, units: Sequence[int]) -> str:
    match block.shape:
        case "sentences":
            pieces: list[str] = []
            for before, unit in zip([-1, *units], units, strict=False):
                pieces += ["[...]"] * (unit > before + 1) + [block.units[unit]]
            return " ".join(pieces)
        case "list":
            lead = [*block.lead, ""] if block.lead else []
            return "\n".join([*lead, *(block.units[unit] for unit in units)])
        case "table":
            return "\n".join([*block.lead, *(block.units[unit] for unit in units)])


def read_blocks(text: str) -> list[Block]:
    """The blocks of a passage's Markdown, in order. A list takes the line that leads in to it along."""
    blocks: list[Block] = []
    for chunk in re.split(r"\n\s*\n", text.strip()):
        lines = chunk.strip("\n").split("\n")
        if all(line.lstrip().startswith("|") for line in lines) and len(lines) > 2:
            blocks.append(Block("table", tuple(lines[2:]), tuple(lines[:2])))
        elif _ITEM.match(lines[0]):
            items = tuple(_items(lines))
            lead = blocks.pop().units if blocks and _leads_in(blocks[-1]) else ()
            if lead[:-1]:
                blocks.append(Block("sentences", lead[:-1]))
            blocks.append(Block("list", items, lead[-1:]))
        else:
            blocks.append(Block("sentences", tuple(_sentences(" ".join(line.strip() for line in lines)))))
    return blocks


def _leads_in(block: Block) -> bool:
    return block.shape == "sentences" and block.units[-1].endswith(":")


def _items(lines: Sequence[str]) -> list[str]:
    items: list[str] = []
    for line in lines:
        if _ITEM.match(line) or not items:
            items.append(line)
        else:
            items[-1] += "\n" + line
    return items


def _sentences(paragraph: str) -> list[str]:
    sentences: list[str] = []
    for piece in _END.split(paragraph):
        if sentences and _NO_END.search(sentences[-1]):
            sentences[-1] += " " + piece
        else:
            sentences.append(piece)
    return sentences


def _heading(passage: Passage) -> str:
    return " ".join((passage.title, *passage.section))
