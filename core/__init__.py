"""The chat library: the names that an application imports.

Start with `create_chat` and `load_chat`, or with a `Desk` if the program serves many threads. `backends` opens the
store and the model; docs/library.md has examples.
"""

from core.care import Care
from core.desk.archive import Archive, Gap, Transcript
from core.desk.chat import Chat
from core.desk.desk import Desk
from core.desk.evidence import CallHistory, CallStep, Material, Produced
from core.desk.exports.contents import ExportFormat
from core.desk.exports.exports import Export, Exports, Extent
from core.desk.exports.package import Manifest, check_export
from core.desk.figures import Figures, Overview
from core.desk.filters import CallFilter, LookFilter, ThreadFilter
from core.desk.lists import Listing
from core.desk.opening import create_chat, load_chat
from core.desk.oversight import Oversight, SealedThread, ThreadRow
from core.desk.reply import Reply, TurnError
from core.desk.runner import Runner
from core.desk.turn_views import TurnView
from core.desk.unreadable import Unreadable
from core.errors import (
    Conflict,
    Corrupt,
    Denied,
    DeskClosed,
    Full,
    InvalidInput,
    ModelError,
    NotFound,
    NotReplaceable,
    OutcomeUnknown,
    RequestMismatch,
    RolltopError,
    RunnerError,
    StoreClosed,
    StoreRefused,
    TurnInProgress,
    TurnNotCompleted,
    Unavailable,
)
from core.gate import Viewer
from core.handover import HandedMessage, Handover, Ticket
from core.live.events import Event
from core.log.records import (
    DeferredCall,
    HandoverRecord,
    Look,
    Message,
    ModelCall,
    Retrieval,
    Review,
    Summary,
    Thread,
    ToolCall,
    Totals,
    Turn,
    Version,
)
from core.model import Model, ModelRequest
from core.options import Options
from core.question_back import ask_back
from core.retriever import Filters, Retriever
from core.tools import Tool, ToolContext, tool
from core.values import Audience, CareCard, CareLine, Citation, Concern, Judgement, Leg, Passage, Usage
from core.worker.hooks import CallOutcome, CallView, Hooks, ModelOutcome, ModelView
from core.worker.window import Choice, NewestTurns, SummarizingWindow, Window

__all__ = [
    "Archive",
    "Audience",
    "CallFilter",
    "CallHistory",
    "CallOutcome",
    "CallStep",
    "CallView",
    "Care",
    "CareCard",
    "CareLine",
    "Chat",
    "Choice",
    "Citation",
    "Concern",
    "Conflict",
    "Corrupt",
    "DeferredCall",
    "Denied",
    "Desk",
    "DeskClosed",
    "Event",
    "Export",
    "ExportFormat",
    "Exports",
    "Extent",
    "Figures",
    "Filters",
    "Full",
    "Gap",
    "HandedMessage",
    "Handover",
    "HandoverRecord",
    "Hooks",
    "InvalidInput",
    "Judgement",
    "Leg",
    "Listing",
    "Look",
    "LookFilter",
    "Manifest",
    "Material",
    "Message",
    "Model",
    "ModelCall",
    "ModelError",
    "ModelOutcome",
    "ModelRequest",
    "ModelView",
    "NewestTurns",
    "NotFound",
    "NotReplaceable",
    "Options",
    "OutcomeUnknown",
    "Oversight",
    "Overview",
    "Passage",
    "Produced",
    "Reply",
    "RequestMismatch",
    "Retrieval",
    "Retriever",
    "Review",
    "RolltopError",
    "Runner",
    "RunnerError",
    "SealedThread",
    "StoreClosed",
    "StoreRefused",
    "SummarizingWindow",
    "Summary",
    "Thread",
    "ThreadFilter",
    "ThreadRow",
    "Ticket",
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
    "Unreadable",
    "Usage",
    "Version",
    "Viewer",
    "Window",
    "ask_back",
    "check_export",
    "create_chat",
    "load_chat",
    "tool",
]
