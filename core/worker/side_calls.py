"""Model calls that are not for the answer: notes of earlier turns, and words to search with.

Each is a model call on record like any other, shown to nobody, and a turn goes on without one that fails.
"""

from dataclasses import replace

from core.log.records import OpenTurn
from core.retrieval.followup import depends, rewriting, rewritten, with_context
from core.turn.commands import Ask
from core.worker.claim import Holding
from core.worker.history import earlier_messages, summary_request
from core.worker.model_calls import Consulting


class Asides:
    """What one worker asks a model on the side; `consulting` carries the requests out."""

    def __init__(self, holding: Holding, consulting: Consulting) -> None:
        self._holding = holding
        self._consulting = consulting

    async def summarizes(self, open: OpenTurn) -> bool:
        """Whether a summary is to be made before the turn's model is first asked."""
        window = self._holding.equipment.window
        if not window.summarizes or open.step or open.summaries or self._holding.equipment.chain.choose(()) is None:
            return False
        return bool((await self._consulting.choice(open)).summarize)

    async def summarize(self, open: OpenTurn) -> None:
        """Ask for a summary of what the window wants summarised. A turn goes on without one that fails."""
        choice = await self._consulting.choice(open)
        turns, options = choice.summarize, self._holding.equipment.options
        earlier = await earlier_messages(self._holding.equipment.store, turns, options)
        first_n = choice.summary.first_n if choice.summary else turns[0].first_n
        ask = Ask(
            worker=self._holding.worker,
            step=0,
            attempt=1,
            model="",
            with_tools=False,
            window=turns[0].first_n,
            request="",
            purpose="summary",
            summary=choice.summary.id if choice.summary else None,
            covers=(first_n, turns[-1].last_n),
        )
        request = replace(summary_request(choice, earlier), settings=options.model_settings)
        if (model := self._holding.equipment.chain.choose(())) is not None:
            await self._consulting.consult(open, ask, request, model, failed=())

    async def rewrites(self, open: OpenTurn) -> bool:
        """Whether a model is to be asked for the words to search with."""
        equipment = self._holding.equipment
        model = equipment.chain.choose(())
        if not equipment.options.rewrite_queries or open.retrievals or open.queries or not (model and model.phrases):
            return False
        return depends(self._holding.turn.question or "") and bool((await self._consulting.choice(open)).turns)

    async def rewrite(self, open: OpenTurn) -> None:
        """Ask for the words to search with. A turn goes on without those that fail to come."""
        choice, options = await self._consulting.choice(open), self._holding.equipment.options
        talk = [(turn.question, turn.text) for turn in choice.turns if turn.question]
        ask = Ask(
            worker=self._holding.worker,
            step=0,
            attempt=1,
            model="",
            with_tools=False,
            window=choice.turns[0].first_n if choice.turns else open.first_n,
            request="",
            purpose="query",
        )
        request = replace(rewriting(talk, self._holding.turn.question or ""), settings=options.model_settings)
        if (model := self._holding.equipment.chain.choose(())) is not None:
            await self._consulting.consult(open, ask, request, model, failed=())

    async def queries(self, open: OpenTurn) -> list[str]:
        """What to search for, the next only where the one before finds no answer.

        A question that needs the ones before it is searched for in a model's words, else after them; one that seems to
        stand by itself is searched for alone first.
        """
        question = self._holding.turn.question or ""
        asked = [call for call in self._consulting.model_calls() if call.purpose == "query"]
        if asked and (said := rewritten(asked[-1].answer or "")):
            return [said]
        earlier = [turn.question for turn in (await self._consulting.choice(open)).turns if turn.question]
        joined = [with_context(earlier, question)] if earlier else [question]
        return joined if depends(question) or not earlier else [question, *joined]
