"""The chat library: what an application imports. The words are those of the records and of each module's docstring."""

from core.archive import Archive, Listing, Transcript, TurnView
from core.chat import Chat, Reply, TurnError, create_chat, load_chat
from core.desk import Desk
from core.entries import Citation, Passage, Usage
from core.errors import (
    Conflict,
    Corrupt,
    Denied,
    DeskClosed,
    Full,
    InvalidInput,
    ModelError,
    NotFound,
    OutcomeUnknown,
    RequestMismatch,
    RolltopError,
    TurnInProgress,
    TurnNotCompleted,
    Unavailable,
)
from core.events import Event
from core.gate import Viewer
from core.options import Options
from core.records import Message, ModelCall, Retrieval, Thread, ToolCall, Totals, Turn
from core.runner import Runner
from core.tools import CallView, Hooks, Tool, ToolContext, tool

__all__ = [
    "Archive",
    "CallView",
    "Chat",
    "Citation",
    "Conflict",
    "Corrupt",
    "Denied",
    "Desk",
    "DeskClosed",
    "Event",
    "Full",
    "Hooks",
    "InvalidInput",
    "Listing",
    "Message",
    "ModelCall",
    "ModelError",
    "NotFound",
    "Options",
    "OutcomeUnknown",
    "Passage",
    "Reply",
    "RequestMismatch",
    "Retrieval",
    "RolltopError",
    "Runner",
    "Thread",
    "Tool",
    "ToolCall",
    "ToolContext",
    "Totals",
    "Transcript",
    "Turn",
    "TurnError",
    "TurnInProgress",
    "TurnNotCompleted",
    "TurnView",
    "Unavailable",
    "Usage",
    "Viewer",
    "create_chat",
    "load_chat",
    "tool",
]
