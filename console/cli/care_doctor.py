"""What the cards for people in need lack: a topic without a card, a card whose handbook or section is gone."""

from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import closing
from pathlib import Path

from anyio.to_thread import run_sync as blocking

from backends.care.cards import CareFile, read_cards
from backends.care.recogniser import URGENCY
from backends.handbooks.catalogue.catalogue import Catalogue
from backends.handbooks.catalogue.versions import DocumentRecord
from console.cli.doctor import Remark
from console.demo.samples import CARDS
from console.settings import Settings


async def examine_care(settings: Settings, *, demo: bool) -> AsyncIterator[Remark]:
    """Every remark about the cards. Raises InvalidInput if one is invalid."""
    folder = settings.care or (CARDS if demo else None)
    if folder is None:
        text = "no cards: people in need are recognised, but see no help. Write cards and set ROLLTOP_CARE"
        yield Remark(about="care", text=text)
        return
    cards = await blocking(read_cards, folder)
    yield Remark(about="care", text=f"cards in {folder}: {', '.join(cards) or 'none'}")
    if missing := [topic for topic in URGENCY if topic not in cards]:
        text = f"topics without a card: {', '.join(missing)}. Write a file for each"
        yield Remark(about="care", text=text)
    # Opening would make the file, and the doctor only reads.
    if await blocking(Path(settings.index_file).exists):
        for remark in await blocking(_handbooks, cards, settings.index_file):
            yield remark


def _handbooks(cards: Mapping[str, CareFile], file: str) -> list[Remark]:
    with closing(Catalogue(Path(file))) as catalogue:
        names = catalogue.versions(catalogue.clock.now().date())
        in_force = {document.id: document for document in catalogue.documents() if document.id in names}
        headings = {
            card.document: _headings(catalogue, in_force[card.document], names[card.document])
            for card in cards.values()
            if card.document in in_force
        }
    remarks = [Remark(about="care", text=text, trouble=True) for text in _gone(cards.values(), headings)]
    named = {topic for document in in_force.values() for topic in document.terms.topics}
    if unnamed := [topic for topic in (*URGENCY, *cards) if topic not in named]:
        text = f"no handbook in force names {', '.join(dict.fromkeys(unnamed))} in its front matter under topics"
        remarks.append(Remark(about="care", text=text))
    return remarks


def _headings(catalogue: Catalogue, document: DocumentRecord, name: str) -> set[str]:
    rows = [version.row for version in document.versions if version.name == name]
    return {heading for row in rows for piece in catalogue.pieces(row) for heading in piece.section}


def _gone(cards: Iterable[CareFile], headings: Mapping[str, set[str]]) -> Iterable[str]:
    for card in cards:
        if card.document is None:
            continue
        if card.document not in headings:
            yield f"the card of {card.topic} names the handbook {card.document}, which is not in force: name another"
        elif card.section is not None and card.section not in headings[card.document]:
            yield f"the card of {card.topic} names the section {card.section!r}, which {card.document} does not have"
