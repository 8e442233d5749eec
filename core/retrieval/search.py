"""Searching the handbooks: before the first model call, and whenever a model calls the search tool."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from core.canonical import canonical
from core.errors import InvalidInput
from core.gate import Viewer
from core.options import Options
from core.retrieval.followup import LONGEST_QUERY
from core.retriever import Filters, Retriever, holds_for
from core.tools import Tool, ToolContext, tool
from core.values import Concern, Judgement, Passage

SEARCH = "search_handbooks"
MAX_PASSAGE = 32 * 1024
"""The most characters of a passage that are kept and sent to a model."""

MAX_SECTION = 50
"""The most passages of a document in which the section that a card names is looked for."""

MAX_SEARCH_BYTES = 3 * 1024 * 1024
"""The most bytes of canonical JSON in the passages of one search."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The passages of one search, best first. If a tool returns this, its passages go on record and can be cited."""

    query: str
    passages: tuple[Passage, ...]
    judgement: Judgement | None


async def find_passages(
    retriever: Retriever,
    query: str,
    viewer: Viewer,
    limit: int,
    *,
    question: str | None = None,
) -> Found:
    """Search, and keep the passages that apply to the viewer, `limit` at most.

    They are judged as an answer to `question`, None for the query itself. Raises what the retriever raises, and
    InvalidInput for more than MAX_SEARCH_BYTES.
    """
    passages = await retriever.search(query, viewer, limit)
    # Checked here too: an application may bring its own retriever, and an index may lag behind a changed audience.
    allowed = [passage for passage in passages if holds_for(passage.audience, viewer)][:limit]
    judgement = await retriever.judge(query if question is None else question, allowed)
    return _found(query, allowed, judgement)


async def find_help(retriever: Retriever, query: str, viewer: Viewer, limit: int, concern: Concern) -> Found:
    """What the handbooks say to a person in need: the section that the card names, else handbooks on the topic.

    Nothing is judged: whether it answers their words is not the point. Raises as `find_passages` does.
    """
    card, passages = concern.card, list[Passage]()
    if card and card.document:
        of_document = await retriever.search(query, viewer, MAX_SECTION, Filters(documents=[card.document]))
        passages = [one for one in of_document if card.section is None or card.section in one.section]
    if not passages:
        passages = await retriever.search(query, viewer, limit, Filters(topics=[concern.topic]))
    return _found(query, [passage for passage in passages if holds_for(passage.audience, viewer)][:limit], None)


def _found(query: str, allowed: Sequence[Passage], judgement: Judgement | None) -> Found:
    cut = tuple(passage.model_copy(update={"text": passage.text[:MAX_PASSAGE]}) for passage in allowed)
    if len(canonical([passage.model_dump(mode="json") for passage in cut])) > MAX_SEARCH_BYTES:
        raise InvalidInput(
            f"the passages of one search may have {MAX_SEARCH_BYTES} bytes of JSON: find fewer, or shorter ones"
        )
    return Found(query=query, passages=cut, judgement=judgement)


async def find_answer(retriever: Retriever, queries: Sequence[str], viewer: Viewer, limit: int) -> Found:
    """The result of the first of these queries that finds an answer; otherwise the result of the first query.

    The first query is the question itself; the others add earlier questions to it.
    """
    first = await find_passages(retriever, queries[0], viewer, limit)
    if first.judgement is None or first.judgement.answers:
        return first
    # All are judged against the question itself. Judged against a query that repeats an earlier question, passages that
    # answered that one would count as an answer to this one.
    for query in queries[1:]:
        result = await find_passages(retriever, query, viewer, limit, question=queries[0])
        if result.judgement and result.judgement.answers:
            return result
    return first


def with_search(tools: Sequence[Tool], retriever: Retriever | None, options: Options) -> list[Tool]:
    """The tools, plus the search of the handbooks if there is a retriever, and the options let it find anything."""
    return [*tools, _search_tool(retriever, options)] if retriever and options.passages else list(tools)


def _search_tool(retriever: Retriever, options: Options) -> Tool:
    @tool(effect="read", timeout=options.search_deadline, name=SEARCH)
    async def search(
        query: Annotated[
            str,
            Field(
                min_length=1,
                max_length=LONGEST_QUERY,
                description="One question that makes sense by itself, with the words a handbook would use.",
            ),
        ],
        context: ToolContext,
    ) -> Found:
        """Search the company's handbooks for passages that hold for the asking employee.

        Use it when the passages at hand do not answer, or for another part of the question. Cite what it finds as [n].
        """
        return await find_passages(retriever, query, context.viewer, options.passages)

    return search
