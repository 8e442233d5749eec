"""What an application passes to a Desk: a mistake is named at once, in words that say what to write instead."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import cast

from core.arguments import has_all, lacking, named
from core.canonical import canonical
from core.errors import InvalidInput
from core.limits import Budget, Limits
from core.model import Model
from core.options import Options
from core.retriever import Retriever
from core.store import Store
from core.tools import Tool
from core.worker.hooks import Hooks
from core.worker.window import Window

PARTS = ("store", "model", "tools", "retriever", "window", "options", "hooks", "limits", "budget")
"""The arguments of a Desk that these functions check."""

MAX_QUESTION = 32_000
"""The most characters of a question."""

MAX_WHY = 500
"""The most characters of the reason for a grant, a block, a switch, or the end of one of them."""


def check_store(store: object) -> Store:
    """The store, if it is one. Raises InvalidInput."""
    if isinstance(store, str):
        raise InvalidInput("the store is a URL: open it, `async with open_store(URL) as store:`, and pass the store")
    if isinstance(store, AbstractAsyncContextManager) and not has_all(store, Store):
        raise InvalidInput("the store is not open yet: write `async with open_store(URL) as store:` and pass the store")
    if has_all(store, Model):
        raise InvalidInput("a model stands where the store belongs: the store comes first, then the model")
    if not has_all(store, Store):
        if missing := lacking(store, Store):
            raise InvalidInput(f"the store, {named(store)}, lacks {missing}: core.store.Store describes a store")
        raise InvalidInput(f"the store is {named(store)}: pass what `async with open_store(URL) as store:` gives")
    return cast(Store, store)


def check_models(model: Model | Sequence[Model]) -> list[Model]:
    """The models in their order. Raises InvalidInput if one is not a model, or there is none."""
    # A string is a sequence, too.
    models: list[Model] = [*model] if isinstance(model, list | tuple) else [cast(Model, model)]
    for one in models:
        if isinstance(one, str):
            raise InvalidInput("the model is a URL: pass `open_model(URL)`")
        if has_all(one, Store):
            raise InvalidInput("a store stands where the model belongs: the store comes first, then the model")
        if not has_all(one, Model):
            if missing := lacking(one, Model):
                raise InvalidInput(f"the model, {named(one)}, lacks {missing}: core.model.Model describes a model")
            raise InvalidInput(
                f"the model is {named(one)}: pass what `open_model(URL)` gives, or a list of such models"
            )
        if not isinstance(one.settings, Mapping):
            raise InvalidInput(
                f"the settings of the model {one.name} are a mapping from names to types, `{{}}` for none"
            )
    if not models:
        raise InvalidInput("a desk needs a model: pass what `open_model(URL)` gives")
    return models


def check_tools(tools: object) -> Sequence[Tool]:
    """The tools, if all are. Raises InvalidInput."""
    if isinstance(tools, Tool) or callable(tools):
        raise InvalidInput("`tools` is a list: write `tools=[...]` around one tool, too")
    if isinstance(tools, str | bytes | Mapping) or not isinstance(tools, Sequence):
        raise InvalidInput(f"`tools` is a list of tools, not {named(tools)}")
    for one in tools:
        if not isinstance(one, Tool):
            name = getattr(one, "__name__", None)
            what = f"the function {name}" if name and callable(one) else named(one)
            raise InvalidInput(f'{what} is not a tool: write `@tool(effect="read")` above a function to make one')
    return tools


def check_tool_choice(choice: str, tools: Mapping[str, Tool]) -> None:
    """Raises InvalidInput if a tool has to be called that the desk does not have."""
    if choice in ("auto", "none") or choice in tools or (choice == "required" and tools):
        return
    names = ", ".join(tools) or "none"
    raise InvalidInput(
        f"`tool_choice` is auto, none, required or the name of a tool, not {choice!r}; the tools are: {names}"
    )


def check_options(options: object) -> Options:
    """The options, the defaults for None. Raises InvalidInput."""
    if options is None:
        return Options()
    if not isinstance(options, Options):
        raise InvalidInput(f"`options` is {named(options)}: write `options=Options(max_steps=4)`, for example")
    return options


def check_limits(limits: object, budget: object) -> Limits | None:
    """The limits, None if all their fields are None. Raises InvalidInput."""
    if limits is not None and not isinstance(limits, Limits):
        raise InvalidInput(f"`limits` is {named(limits)}: write `limits=Limits(person_turns_a_day=40)`, for example")
    if budget is not None and not has_all(budget, Budget):
        raise InvalidInput(f"`budget` is {named(budget)}: pass an object with `async def check(self, request)`")
    return limits if limits and limits != Limits(unpriced_call_usd=limits.unpriced_call_usd) else None


def check_parts(retriever: object, window: object, hooks: object) -> None:
    """Raises InvalidInput if one of them is something else."""
    if retriever is not None and not has_all(retriever, Retriever):
        raise InvalidInput(f"the retriever is {named(retriever)}: pass `handbooks.retriever`, or an object like it")
    if window is not None and not has_all(window, Window):
        raise InvalidInput(f"`window` is {named(window)}: pass `NewestTurns()` or `SummarizingWindow()`")
    if not isinstance(hooks, list | tuple) or not all(isinstance(one, Hooks) for one in hooks):
        raise InvalidInput("`hooks` is a list of Hooks: write `hooks=[Hooks(before_model_call=...)]`")


def check_said(text: str, what: str, most: int) -> str:
    """The text without blanks around it. Raises InvalidInput, which names `what` to say, unless it has 1 to `most`."""
    if not 1 <= len(text.strip()) <= most:
        raise InvalidInput(f"say in 1 to {most} characters {what}")
    return text.strip()


def check_question(text: str) -> str:
    """The text, if it is a question: not blank, at most MAX_QUESTION characters. Raises InvalidInput otherwise."""
    if not text.strip():
        raise InvalidInput("a question needs text")
    if len(text) > MAX_QUESTION:
        raise InvalidInput(f"a question may have {MAX_QUESTION} characters; this one has {len(text)}")
    canonical(text)
    return text
