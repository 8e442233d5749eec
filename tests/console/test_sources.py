"""Sources below an answer: what its quotes leave out, and what came nearest when the handbooks do not answer."""

from streamlit.testing.v1 import AppTest

from console.drawing.sources import left_out
from core.log.records import Retrieval
from core.values import Passage

SHORTENED = (
    "From “A”:\n\n> Text. [1]\n\nFrom “B”:\n\n> | a |\n> |---|\n> | b |\n>\n> (7 more rows in the source)\n>\n> [2]"
)


def test_what_a_quote_leaves_out_is_known_by_the_number_of_its_passage():
    assert left_out(SHORTENED) == {2: "7 more rows"}
    assert left_out("> - a\n> - b\n>\n> (1 more item in the source) [3]") == {3: "1 more item"}
    assert left_out("(7 more rows in the source) [1]") == {}


def test_a_refusal_has_a_chip_for_the_passage_it_names_and_an_answer_without_sources_none():
    def page():
        import streamlit as st

        from console.drawing.sources import draw_sources

        draw_sources(st.session_state["text"], [], st.session_state["retrievals"], lambda passage: [], "key")

    passages = [
        Passage(id=name, document=name, title=name, section=["Days"], version="1", text="Dogs sleep.", score=1.0)
        for name in ("Cats", "Dogs")
    ]
    for answers, chips in ((False, ["Dogs"]), (True, [])):
        at = AppTest.from_function(page)
        at.session_state["text"] = (
            "This came nearest, but is not the answer. From “Dogs”, section Days:\n\n> Dogs sleep."
        )
        at.session_state["retrievals"] = [retrieval(passages, answers)]
        at.run()
        assert not at.exception
        assert [button.label for button in at.button] == chips


def retrieval(passages, answers):
    fields = {"passages": passages, "answers": answers}
    return Retrieval.model_construct(**fields)
