"""What the cards for people in need lack: a topic without a card, a card whose handbook or section is gone."""

from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import closing
from pathlib import Path

from anyio.to_thread import run_sync as blocking

from backends.care.cards import CareFile, read_cards
from backends.care.recogniser import URGENCY
from backends.handbooks.catalogue.catalogue import Catalogue
from backends.handbooks.catalogue.versions import DocumentRecord
from console.demo.samples import CARDS
from console.doctor.finding import Finding
from console.settings import Settings


async def examine_care(settings: Settings, *, demo: bool) -> AsyncIterator[Finding]:
    """Every finding about the cards. Raises InvalidInput if one is invalid."""
    folder = settings.care or (CARDS if demo else None)
    if folder is None:
        yield Finding(
            about="care",
            what="no cards: people in need are recognised, but see no help",
            to_do="write cards and set ROLLTOP_CARE, as docs/care.md says",
            level="open",
        )
        return
    cards = await blocking(read_cards, folder)
    yield Finding(about="care", what=f"cards in {folder}: {', '.join(cards) or 'none'}")
    if missing := [topic for topic in URGENCY if topic not in cards]:
        what = f"topics without a card: {', '.join(missing)}"
        yield Finding(about="care", what=what, to_do="write a file for each", level="open")
    # Opening would make the file, and the doctor only reads.
    if await blocking(Path(settings.index_file).exists):
        for finding in await blocking(_handbooks, cards, settings.index_file):
            yield finding


def _handbooks(cards: Mapping[str, CareFile], file: str) -> list[Finding]:
    with closing(Catalogue(Path(file))) as catalogue:
        names = catalogue.versions(catalogue.clock.now().date())
        in_force = {document.id: document for document in catalogue.documents() if document.id in names}
        headings = {
            card.document: _headings(catalogue, in_force[card.document], names[card.document])
            for card in cards.values()
            if card.document in in_force
        }
    findings = [
        Finding(about="care", what=what, to_do=to_do, level="trouble")
        for what, to_do in _gone(cards.values(), headings)
    ]
    named = {topic for document in in_force.values() for topic in document.terms.topics}
    if unnamed := [topic for topic in (*URGENCY, *cards) if topic not in named]:
        what = f"no handbook in force names {', '.join(dict.fromkeys(unnamed))} in its front matter under topics"
        findings.append(Finding(about="care", what=what))
    return findings


def _headings(catalogue: Catalogue, document: DocumentRecord, name: str) -> set[str]:
    rows = [version.row for version in document.versions if version.name == name]
    return {heading for row in rows for piece in catalogue.pieces(row) for heading in piece.section}


def _gone(cards: Iterable[CareFile], headings: Mapping[str, set[str]]) -> Iterable[tuple[str, str]]:
    for card in cards:
        if card.document is None:
            continue
        if card.document not in headings:
            what = f"the card of {card.topic} names the handbook {card.document}, which is not in force"
            yield what, "name another"
        elif card.section is not None and card.section not in headings[card.document]:
            what = f"the card of {card.topic} names the section {card.section!r}, which {card.document} does not have"
            yield what, "name another"
