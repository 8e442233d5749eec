"""Statuses, verdicts and failures in words: what happened, and what to do next.

A code without words here still gets a sentence: a newer core may have more codes than this page.
"""

from dataclasses import dataclass

from core.values import FAILED_CALL, CallStatus, Cause, Dislike, Effect, Outcome, TurnStatus, Verdict


@dataclass(frozen=True, slots=True)
class Word:
    """A status as a badge shows it: never by colour alone."""

    text: str
    color: str
    icon: str

    @property
    def badge(self) -> str:
        return f":{self.color}-badge[{self.icon} {self.text}]"

    @property
    def sign(self) -> str:
        """The icon and the text, for labels that Streamlit pales: a badge there has too little contrast."""
        return f"{self.icon} {self.text}"


TURN_WORDS: dict[TurnStatus, Word] = {
    "running": Word("Running", "blue", ":material/progress_activity:"),
    "awaiting_approval": Word("Waiting for approval", "orange", ":material/approval:"),
    "completed": Word("Completed", "green", ":material/check:"),
    "cancelled": Word("Stopped", "gray", ":material/stop_circle:"),
    "interrupted": Word("Interrupted", "orange", ":material/link_off:"),
    "failed": Word("Failed", "red", ":material/error:"),
    "refused": Word("Refused", "orange", ":material/block:"),
    "truncated": Word("Cut short", "orange", ":material/content_cut:"),
}

CALL_WORDS: dict[CallStatus, Word] = {
    "planned": Word("Planned", "gray", ":material/schedule:"),
    "awaiting_approval": Word("Waiting for approval", "orange", ":material/approval:"),
    "running": Word("Running", "blue", ":material/progress_activity:"),
    "succeeded": Word("Succeeded", "green", ":material/check:"),
    "failed": Word("Failed", "red", ":material/error:"),
    "timed_out": Word("Timed out", "red", ":material/timer_off:"),
    "denied": Word("Denied", "gray", ":material/block:"),
    "invalid_arguments": Word("Invalid arguments", "red", ":material/data_alert:"),
    "unknown_tool": Word("Unknown tool", "red", ":material/question_mark:"),
    "cancelled": Word("Cancelled", "gray", ":material/stop_circle:"),
    "unknown": Word("Outcome unknown", "orange", ":material/help:"),
    "deferred": Word("Passed to an approver", "blue", ":material/approval_delegation:"),
}

CALL_GROUPS: dict[str, tuple[str, tuple[CallStatus, ...]]] = {
    "failed": ("Failed", FAILED_CALL),
    "timed_out": ("Timed out", ("timed_out",)),
    "unknown": ("Outcome unknown", ("unknown",)),
    "denied": ("Denied", ("denied",)),
    "cancelled": ("Cancelled", ("cancelled",)),
    "waiting": ("Waiting for approval", ("awaiting_approval",)),
    "deferred": ("Passed to an approver", ("deferred",)),
    "running": ("Running", ("planned", "running")),
    "succeeded": ("Succeeded", ("succeeded",)),
}
"""What lists of calls are filtered by, by its word in the URL: a label and the statuses that it means."""

EFFECT_WORDS: dict[Effect, str] = {"read": "Reads", "idempotent": "May be repeated", "unsafe": "At most once"}

OUTCOME_WORDS: dict[Outcome, Word] = {
    "sourced": Word("Answered with a source", "green", ":material/format_quote:"),
    "unsourced": Word("Answered without a handbook", "blue", ":material/chat:"),
    "not_found": Word("Not in the handbooks", "orange", ":material/search_off:"),
    "failed": Word("Failed", "red", ":material/error:"),
    "stopped": Word("Stopped", "gray", ":material/stop_circle:"),
    "waiting": Word("Waiting for approval", "orange", ":material/approval:"),
    "running": Word("Running", "blue", ":material/progress_activity:"),
    "imported": Word("Imported", "gray", ":material/move_to_inbox:"),
}

OUTCOME_SHORT: dict[Outcome, str] = {
    "failed": "Failed",
    "not_found": "Not found",
    "stopped": "Stopped",
    "waiting": "Waiting",
    "running": "Running",
    "unsourced": "No handbook",
    "sourced": "Sourced",
    "imported": "Imported",
}
"""Outcomes in a table's cell, those that need attention first."""

VERDICT_WORDS: dict[Verdict, Word] = {
    "right": Word("Right", "green", ":material/check_circle:"),
    "wrong": Word("Wrong", "red", ":material/cancel:"),
    "cannot_tell": Word("Cannot tell", "gray", ":material/help:"),
}

CAUSE_WORDS: dict[Cause, str] = {
    "wrong_source": "Wrong source",
    "missing_source": "Missing source",
    "misread": "Misread",
    "tool": "Tool",
    "tone": "Tone",
    "other": "Other",
}

DISLIKE_WORDS: dict[Dislike, str] = {
    "wrong": "It is wrong",
    "no_answer": "It does not answer the question",
    "outdated": "It is out of date",
    "unclear": "It is unclear",
    "other": "Something else",
}

_FAILURES = {
    "overloaded": "The language model is overloaded. Try again in a minute.",
    "connection": "The language model could not be reached. Try again.",
    "timeout": "The language model did not answer in time. Try again.",
    "quota": "The language model's quota is used up. Tell the administrator; trying again does not help.",
    "auth": "The language model rejected the desk's key. Tell the administrator.",
    "too_large": "The thread is too long for the language model. Start a new thread and ask again.",
    "invalid_request": "The language model rejected the request. Tell the administrator.",
    "adapted": "The language model kept rejecting the request. Tell the administrator.",
    "no_tools": "The language model cannot use the desk's tools. Tell the administrator.",
    "protocol": "The language model's answer could not be read. Try again.",
    "empty": "The language model gave an empty answer. Try again, or rephrase the question.",
    "step_limit": "Answering took more steps than are allowed. Ask for less at once.",
    "bad_calls": "The language model kept asking for tools or arguments that do not exist. Rephrase the question.",
    "answer_too_large": "The answer became too long to store. Ask for less at once.",
    "unrecordable": "The result was too large to store. Ask for less at once.",
    "turn_deadline": "Answering took longer than is allowed. Ask for less at once.",
    "limit": "So the answer ends here. My data shows your limits.",
    "hook_failed": "One of the desk's checks failed, so the language model was not asked. Tell the administrator.",
    "model_unavailable": "The language model failed several times in a row. Try again in a minute.",
    "models_off": "An administrator has switched the language models off. Try again later.",
    "invalid_output": "The language model's answer had the wrong format. Try again.",
    "schema_failed": "The check of the answer's format failed. Tell the administrator.",
    "no_worker": "The server that should have answered is no longer running. Try again.",
    "worker_lost": "The server restarted while it was answering. Try again.",
    "restored": "The desk was restored from a backup in which this was open. What was done after the backup is not on "
    "record here. Ask again, and check with HR first if it was a request.",
    "approval_expired": "The request was not approved in time, so nothing was done. Ask again if you still need it.",
}


def what_went_wrong(code: str | None) -> str:
    """Words and a next step for the `code` of a turn that did not complete."""
    return _FAILURES.get(code or "", "Unexpected error; see the server log. Try again.")
