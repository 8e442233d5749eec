"""The chat library: what an application imports. The words are those of the records and of each module's docstring."""

from core.archive import Archive, Gap, Listing, Transcript, TurnView
from core.chat import Chat, Reply, TurnError, create_chat, load_chat
from core.desk import Desk
from core.entries import Audience, Citation, Judgement, Leg, Passage, Usage
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
    StoreRefused,
    TurnInProgress,
    TurnNotCompleted,
    Unavailable,
)
from core.events import Event
from core.gate import Viewer
from core.hooks import CallOutcome, CallView, Hooks, ModelOutcome, ModelView
from core.model import Model, ModelRequest
from core.options import Options
from core.records import Message, ModelCall, Retrieval, Summary, Thread, ToolCall, Totals, Turn
from core.retrieval import Filters, Retriever
from core.runner import Runner
from core.tools import Tool, ToolContext, tool
from core.windows import Choice, NewestTurns, SummarizingWindow, Window

__all__ = [
    "Archive",
    "Audience",
    "CallOutcome",
    "CallView",
    "Chat",
    "Choice",
    "Citation",
    "Conflict",
    "Corrupt",
    "Denied",
    "Desk",
    "DeskClosed",
    "Event",
    "Filters",
    "Full",
    "Gap",
    "Hooks",
    "InvalidInput",
    "Judgement",
    "Leg",
    "Listing",
    "Message",
    "Model",
    "ModelCall",
    "ModelError",
    "ModelOutcome",
    "ModelRequest",
    "ModelView",
    "NewestTurns",
    "NotFound",
    "Options",
    "OutcomeUnknown",
    "Passage",
    "Reply",
    "RequestMismatch",
    "Retrieval",
    "Retriever",
    "RolltopError",
    "Runner",
    "StoreRefused",
    "SummarizingWindow",
    "Summary",
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
    "Window",
    "create_chat",
    "load_chat",
    "tool",
]
