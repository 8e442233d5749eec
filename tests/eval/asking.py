"""Questions put to a retriever as the desk puts them: a follow-up with its context, judged by itself alone.

A question with a history is one that needs it: unlike the desk, which must tell first, this one takes it along always.
"""

from collections.abc import Mapping
from datetime import date
from time import perf_counter

from core.gate import Viewer
from core.retrieval.followup import with_context
from core.retriever import Retriever

from .questions import Question, Result, Run

RESULTS = 20


async def ask(
    retriever: Retriever, question: Question, *, files: Mapping[str, str], country: str | None, as_of: date | None
) -> Run:
    """What the retriever finds and how sure it is, and how long both took.

    `files` has the path of each document by its id; `country` is that of who asks where the question does not say.
    """
    viewer = Viewer("evaluation", country=question.country or country)
    query = with_context(question.history, question.question) if question.history else question.question
    begun = perf_counter()
    found = await retriever.search(query, viewer, RESULTS, as_of=as_of)
    judgement = await retriever.judge(question.question, found)
    took = (perf_counter() - begun) * 1000
    results = (
        Result(
            path=files.get(passage.document, passage.document),
            heading=(passage.title, *passage.section),
            text=passage.text,
            score=passage.score,
        )
        for passage in found
    )
    return Run(
        id=question.id,
        results=tuple(results),
        confidence=judgement.confidence if judgement else None,
        abstained=not judgement.answers if judgement else None,
        milliseconds=round(took, 2),
    )
