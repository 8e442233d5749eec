"""Copies of the sample handbooks in other formats say the same, below the same headings, as their Markdown."""

import pytest

from backends.handbooks.documents.model import ParsedDocument
from backends.handbooks.documents.read import read_document
from tests.support.handbook_copies import COPIES, MISSING, plain_words
from tests.support.paths import SAMPLES

HANDBOOKS = sorted(SAMPLES.rglob("*.md"))
KINDS = ["html", "docx", pytest.param("pdf", marks=pytest.mark.skipif(bool(MISSING), reason=MISSING))]


def trails(document: ParsedDocument) -> list[tuple[str, ...]]:
    """The trails of a document's sections, in order, each once."""
    return list(dict.fromkeys(piece.section for piece in document.pieces))


@pytest.mark.parametrize("kind", KINDS)
def test_a_copy_has_the_title_the_trails_and_the_words_of_its_markdown(kind):
    differ = {}
    for path in HANDBOOKS:
        original = read_document(path.read_bytes(), path.name)
        copy = read_document(COPIES[kind](original.title, original.text), f"{path.stem}.{kind}")
        assert copy.title == original.title
        assert trails(copy) == trails(original), path.name
        for trail in trails(original):
            said, copied = (
                plain_words("\n".join(piece.text for piece in document.pieces if piece.section == trail))
                for document in (original, copy)
            )
            if said != copied:
                differ[path.name, trail] = (said, copied)
    assert differ == {}
