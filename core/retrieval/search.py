"""Searching the handbooks: before the first answer, and whenever a model calls the tool for it.

What a retriever gives is checked before it counts: it may be anybody's, and its index may lag behind who may read what.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from core.canonical import canonical
from core.errors import InvalidInput
from core.gate import Viewer
from core.retrieval.followup import LONGEST_QUERY
from core.retriever import Retriever, holds_for
from core.tools import Tool, ToolContext, tool
from core.values import Judgement, Passage

SEARCH = "search_handbooks"
SEARCH_SECONDS = 60.0
MAX_PASSAGE = 32 * 1024
"""Characters of a passage that are kept and sent."""

MAX_FOUND = 3 * 1024 * 1024
"""Bytes of canonical JSON that the passages of one search may have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What one search gave, best first. A tool that returns it puts the passages on record, numbered for citations."""

    query: str
    passages: tuple[Passage, ...]
    judgement: Judgement | None


async def find(retriever: Retriever, query: str, viewer: Viewer, limit: int, *, question: str | None = None) -> Found:
    """Search, and keep what holds for the viewer; it is judged for the question, None the query itself.

    Raises whatever the retriever does, and InvalidInput for more than MAX_FOUND.
    """
    passages = await retriever.search(query, viewer, limit)
    kept = [passage for passage in passages if holds_for(passage.audience, viewer)][:limit]
    judgement = await retriever.judge(query if question is None else question, kept)
    cut = tuple(passage.model_copy(update={"text": passage.text[:MAX_PASSAGE]}) for passage in kept)
    if len(canonical([passage.model_dump(mode="json") for passage in cut])) > MAX_FOUND:
        raise InvalidInput(
            f"the passages of one search may have {MAX_FOUND} bytes of JSON: find fewer, or shorter ones"
        )
    return Found(query=query, passages=cut, judgement=judgement)


async def find_answer(retriever: Retriever, queries: Sequence[str], viewer: Viewer, limit: int) -> Found:
    """What the first of these queries finds that is judged to find an answer; if none is, what the first one finds.

    All are judged for the first one, the question itself: the questions before it, which the others take along, are
    answered by the handbooks whatever is asked now.
    """
    first = await find(retriever, queries[0], viewer, limit)
    if first.judgement is None or first.judgement.answers:
        return first
    for query in queries[1:]:
        found = await find(retriever, query, viewer, limit, question=queries[0])
        if found.judgement and found.judgement.answers:
            return found
    return first


def with_search(tools: Sequence[Tool], retriever: Retriever | None, limit: int) -> list[Tool]:
    """The tools, and the search of the handbooks where there is a retriever; `limit` 0 leaves it out."""
    return [*tools, _search_tool(retriever, limit)] if retriever and limit else list(tools)


def _search_tool(retriever: Retriever, limit: int) -> Tool:
    @tool(effect="read", timeout=SEARCH_SECONDS, name=SEARCH)
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
        return await find(retriever, query, context.viewer, limit)

    return search
