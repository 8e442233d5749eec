"""Opening a chat without a Desk of one's own: `create_chat` and `load_chat` make a desk for the one thread."""

from collections.abc import Iterable, Mapping, Sequence
from typing import cast

from pydantic import BaseModel

from core.arguments import checked
from core.canonical import Json
from core.desk.chat import Chat, M
from core.desk.checks import PARTS
from core.desk.desk import Desk
from core.errors import InvalidInput
from core.gate import Viewer
from core.limits import Budget, Limits
from core.model import Model
from core.options import Options
from core.retriever import Retriever
from core.store import Store
from core.tools import Tool
from core.worker.hooks import Hooks
from core.worker.window import Window


@checked(*PARTS)
async def create_chat(
    store: Store,
    model: Model | Sequence[Model],
    *,
    user_id: str | None = None,
    viewer: Viewer | None = None,
    title: str | None = None,
    metadata: M | None = None,
    instructions: str = "",
    history: Iterable[Mapping[str, Json] | BaseModel] = (),
    tools: Sequence[Tool] = (),
    retriever: Retriever | None = None,
    window: Window | None = None,
    options: Options | None = None,
    hooks: Sequence[Hooks] = (),
    limits: Limits | None = None,
    budget: Budget | None = None,
) -> Chat[M]:
    """Create a thread, and a chat on it. `user_id="x"` is short for `viewer=Viewer("x")`, an employee.

    The chat makes a desk for this thread, with these models, tools and options, and closes it. If you have a desk, call
    `desk.create_chat(viewer, ...)`.

    Several models are tried in order until one gives content. `title` None: the first question becomes the title.
    `metadata` is a pydantic model or a mapping. `instructions` are for the model. `history` are messages of an earlier
    conversation in OpenAI's format, as in `Desk.create_thread`. `limits` and `budget` are as in `Desk`. Raises
    InvalidInput for metadata that cannot be written as JSON, and for a message that cannot be kept.
    """
    asker = _viewer(user_id, viewer)
    desk = Desk(
        store,
        model,
        tools=tools,
        retriever=retriever,
        window=window,
        options=options,
        hooks=hooks,
        limits=limits,
        budget=budget,
    )
    chat = await desk.create_chat(asker, title=title, metadata=metadata, instructions=instructions, history=history)
    return await _with_its_desk(chat)


@checked(*PARTS)
async def load_chat(
    store: Store,
    model: Model | Sequence[Model],
    chat_id: str,
    *,
    user_id: str | None = None,
    viewer: Viewer | None = None,
    metadata_type: type[M] | None = None,
    instructions: str | None = None,
    tools: Sequence[Tool] = (),
    retriever: Retriever | None = None,
    window: Window | None = None,
    options: Options | None = None,
    hooks: Sequence[Hooks] = (),
    limits: Limits | None = None,
    budget: Budget | None = None,
) -> Chat[M]:
    """The chat on an existing thread of the viewer. An open turn without a worker is resumed.

    `metadata_type` is the pydantic model of the metadata. `instructions` are for the turns from now on, None leaves the
    thread's; the earlier ones stay on record. Raises NotFound if the thread does not exist or belongs to another user,
    and InvalidInput if the metadata does not fit its type. The other parameters are as in `create_chat`.
    """
    asker = _viewer(user_id, viewer)
    desk = Desk(
        store,
        model,
        tools=tools,
        retriever=retriever,
        window=window,
        options=options,
        hooks=hooks,
        limits=limits,
        budget=budget,
    )
    chat = await desk.load_chat(asker, chat_id, metadata_type=metadata_type, instructions=instructions)
    return await _with_its_desk(chat)


async def _with_its_desk(chat: Chat[M]) -> Chat[M]:
    await chat.desk.start(chat.id)
    chat.owns_desk = True
    return chat


def _viewer(user_id: str | None, viewer: Viewer | None) -> Viewer:
    if (user_id is None) == (viewer is None):
        raise InvalidInput("say who asks: pass either user_id or viewer")
    return viewer or Viewer(cast(str, user_id))
