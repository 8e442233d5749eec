"""What the handbooks say to a person in need: the section that the card names, and nothing of another matter."""

import shutil

import pytest

from backends import open_handbooks
from backends.care.opening import open_care
from backends.models.offline.model import OfflineModel
from backends.stores.memory import MemoryStore
from console.demo.samples import SAMPLES
from core import CareCard, Concern, Desk, Viewer
from core.retrieval.search import find_help
from tests.support.paths import ROOT

CARDS = ROOT / "console" / "demo" / "care"
ASKER = Viewer("e-1042", country="austria")


@pytest.fixture
async def handbooks(sample_catalogue, tmp_path):
    shutil.copy(sample_catalogue, tmp_path / "handbooks.db")
    async with open_handbooks(tmp_path / "handbooks.db") as opened:
        yield opened


def card(document, section):
    return CareCard(title="Help", text="Is here.", document=document, section=section)


async def sections(handbooks, concern, text="I cannot go on"):
    found = await find_help(handbooks.retriever, text, ASKER, 6, concern)
    assert found.judgement is None
    return {(passage.document, *passage.section) for passage in found.passages}


async def test_only_the_section_that_the_card_names_is_found(handbooks):
    named = Concern(topic="self_harm", card=card("health/mental-health-support", "If it is urgent"))
    assert await sections(handbooks, named) == {("health/mental-health-support", "If it is urgent")}


async def test_a_card_without_a_section_finds_its_document(handbooks):
    found = await sections(handbooks, Concern(topic="self_harm", card=card("health/mental-health-support", None)))
    assert {document for document, *_ in found} == {"health/mental-health-support"}
    assert len(found) > 1


@pytest.mark.parametrize("help", [None, card("gone/away", None), card("conduct/grievance", "Parrots")])
async def test_without_a_section_in_force_only_handbooks_on_the_topic_are_searched(handbooks, help):
    found = await sections(handbooks, Concern(topic="whistleblowing", card=help), "They bribe the inspector")
    assert {document for document, *_ in found} == {"conduct/whistleblowing"}


async def test_a_topic_of_no_handbook_finds_nothing(handbooks):
    assert await sections(handbooks, Concern(topic="parrots")) == set()


@pytest.mark.parametrize(
    "text", ["I want to kill myself", "My manager touched me at the Christmas party", "Mein Chef hat mich bedroht"]
)
async def test_the_offline_model_quotes_that_section_or_nothing(handbooks, text):
    care = open_care(CARDS)
    store, model = MemoryStore(), OfflineModel(delay=0)
    async with Desk(store, model, retriever=handbooks.retriever, care=care) as desk:
        chat = await desk.create_chat(ASKER)
        reply = await chat.ask(text)
    assert reply.concern is not None
    named = reply.concern.card
    assert named is not None
    assert {citation.passage.document for citation in reply.citations} <= {named.document}
    assert all(named.section in citation.passage.section for citation in reply.citations)
    assert "nothing in the handbooks" not in reply.text


def test_the_sections_of_the_demos_cards_stand_in_the_sample_handbooks():
    for concern in open_care(CARDS)._cards.values():
        text = (SAMPLES / f"{concern.document}.md").read_text()
        assert concern.section is None or f"# {concern.section}\n" in text
