"""Model calls that are not for the answer: notes of earlier turns, and words to search with.

Each is a model call on record like any other. Its text is not shown, and a turn goes on without one that fails.
"""

from dataclasses import replace

from core.log.facts import ModelAsked
from core.log.records import OpenTurn, Turn
from core.model import Model, ModelRequest
from core.retrieval.followup import depends, rewriting, rewritten, with_context
from core.retrieval.small_talk import small_talk
from core.values import Purpose
from core.worker.claim import ClaimedTurn
from core.worker.history import summary_request
from core.worker.model_calls import ModelCalls
from core.worker.window import Choice


class SideCalls:
    """What one worker requests of a model on the side; `model_calls` carries the requests out."""

    def __init__(self, claimed: ClaimedTurn, model_calls: ModelCalls) -> None:
        self._claimed = claimed
        self._model_calls = model_calls

    async def summarizes(self, open_turn: OpenTurn) -> bool:
        """Whether a summary is to be made before the model is first requested to answer."""
        equipment = self._claimed.equipment
        if not equipment.earlier.summarizes or open_turn.step or open_turn.summaries:
            return False
        if await self._model() is None:
            return False
        return bool((await self._choice(open_turn)).summarize)

    async def summarize(self, open_turn: OpenTurn) -> None:
        """Request a summary of the turns that the window wants summarised."""
        choice = await self._choice(open_turn)
        turns = choice.summarize
        earlier = await self._claimed.equipment.earlier.messages(self._claimed.turn, turns)
        request = summary_request(choice, earlier)
        await self._request(
            open_turn,
            request,
            purpose="summary",
            window=turns[0].first_n,
            summary=choice.summary.id if choice.summary else None,
            covers=(choice.summary.first_n if choice.summary else turns[0].first_n, turns[-1].last_n),
        )

    async def rewrites(self, open_turn: OpenTurn) -> bool:
        """Whether the words to search with are to be requested of a model."""
        equipment = self._claimed.equipment
        if not equipment.options.rewrite_queries or open_turn.retrievals or open_turn.queries:
            return False
        if self._claimed.turn.concern:
            return False
        model = await self._model()
        if model is None or not model.phrases:
            return False
        return depends(self._claimed.turn.question or "") and bool(await self._asked(open_turn))

    async def rewrite(self, open_turn: OpenTurn) -> None:
        """Request the words to search with."""
        choice = await self._choice(open_turn)
        talk = [(question, turn.text) for question, turn in await self._asked(open_turn)]
        request = rewriting(talk, self._claimed.turn.question or "")
        window = choice.turns[0].first_n if choice.turns else open_turn.first_n
        await self._request(open_turn, request, purpose="query", window=window)

    async def queries(self, open_turn: OpenTurn) -> list[str]:
        """What to search for. A query is used only if the one before it finds too little.

        A question that needs the ones before it is searched for in a model's words, or after those questions without
        them. One that seems to stand by itself is searched for alone first.
        """
        question = self._claimed.turn.question or ""
        calls = [call for call in self._model_calls.records() if call.purpose == "query"]
        if calls and (query := rewritten(calls[-1].answer or "")):
            return [query]
        before = [earlier for earlier, _ in await self._asked(open_turn)]
        earlier = [text for text in before if small_talk(text) is None]
        joined = [with_context(earlier, question)] if earlier else [question]
        return joined if depends(question) or not earlier else [question, *joined]

    async def _asked(self, open_turn: OpenTurn) -> list[tuple[str, Turn]]:
        """The earlier turns that the window sends and their questions, without those in which nobody asked."""
        turns = (await self._choice(open_turn)).turns
        return [(turn.question, turn) for turn in turns if turn.question and turn.report is None]

    async def _choice(self, open_turn: OpenTurn) -> Choice:
        return await self._claimed.equipment.earlier.choose(self._claimed.turn)

    async def _request(
        self,
        open_turn: OpenTurn,
        request: ModelRequest,
        *,
        purpose: Purpose,
        window: int,
        summary: str | None = None,
        covers: tuple[int, int] | None = None,
    ) -> None:
        model = await self._model()
        if model is None:  # since `plan` was told of a model it broke, or was switched off: the turn goes on without
            return
        requested = ModelAsked(
            turn=open_turn.turn,
            fence=open_turn.fence,
            call="",
            step=0,
            attempt=1,
            model=model.name,
            with_tools=False,
            window=window,
            request="",
            purpose=purpose,
            summary=summary,
            covers=covers,
        )
        request = replace(request, settings=self._claimed.equipment.options.model_settings)
        await self._model_calls.request(open_turn, requested, request, model)

    async def _model(self) -> Model | None:
        return self._claimed.equipment.chain.choose((), (await self._claimed.off()).models)
