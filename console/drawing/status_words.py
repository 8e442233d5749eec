"""Statuses and failures in words: what happened, and what to do next."""

from dataclasses import dataclass

from core.values import CallStatus, TurnStatus


@dataclass(frozen=True, slots=True)
class Word:
    """A status as a badge shows it: never by colour alone."""

    text: str
    color: str
    icon: str

    @property
    def badge(self) -> str:
        return f":{self.color}-badge[{self.icon} {self.text}]"


TURN_WORDS: dict[TurnStatus, Word] = {
    "running": Word("Running", "blue", ":material/progress_activity:"),
    "awaiting_approval": Word("Waits for approval", "orange", ":material/approval:"),
    "completed": Word("Completed", "green", ":material/check:"),
    "cancelled": Word("Stopped", "gray", ":material/stop_circle:"),
    "interrupted": Word("Interrupted", "orange", ":material/link_off:"),
    "failed": Word("Failed", "red", ":material/error:"),
    "refused": Word("Refused", "orange", ":material/block:"),
    "truncated": Word("Cut short", "orange", ":material/content_cut:"),
}

CALL_WORDS: dict[CallStatus, Word] = {
    "planned": Word("Planned", "gray", ":material/schedule:"),
    "awaiting_approval": Word("Waits for approval", "orange", ":material/approval:"),
    "running": Word("Running", "blue", ":material/progress_activity:"),
    "succeeded": Word("Succeeded", "green", ":material/check:"),
    "failed": Word("Failed", "red", ":material/error:"),
    "timed_out": Word("Timed out", "red", ":material/timer_off:"),
    "denied": Word("Denied", "gray", ":material/block:"),
    "invalid_arguments": Word("Invalid arguments", "red", ":material/data_alert:"),
    "unknown_tool": Word("Unknown tool", "red", ":material/question_mark:"),
    "cancelled": Word("Cancelled", "gray", ":material/stop_circle:"),
    "unknown": Word("Outcome unknown", "orange", ":material/help:"),
}

_NEW_THREAD = "Start a new thread and ask again."
_FAILURES = {
    "overloaded": "The language model is overloaded. Try again in a minute.",
    "connection": "The language model could not be reached. Try again.",
    "timeout": "The language model did not answer in time. Try again.",
    "quota": "The language model's quota is used up. Tell the administrator; waiting does not help.",
    "auth": "The language model refused our key. Tell the administrator.",
    "too_large": f"The thread has become too long for the language model. {_NEW_THREAD}",
    "invalid_request": "The language model did not accept the request. Tell the administrator.",
    "protocol": "The language model's answer could not be read. Try again.",
    "empty": "The language model gave an empty answer. Try again, perhaps in other words.",
    "step_limit": "It took more steps than are allowed. Ask for less at once.",
    "bad_calls": "The language model kept asking for what the desk does not have. Put it in other words.",
    "answer_too_large": "The language model's answer became too long to keep. Ask for less at once.",
    "unrecordable": "What came of it was too large to keep. Ask for less at once.",
    "turn_deadline": "It took longer than is allowed. Ask for less at once.",
    "hook_failed": "A check of the desk failed, so the language model was not asked. Tell the administrator.",
    "model_unavailable": "The language model failed several times in a row and is left alone for a minute. Try then.",
    "invalid_output": "The language model did not answer in the form that was asked for. Try again.",
    "no_worker": "The desk that was to answer is gone. Try again.",
    "worker_lost": "The desk was restarted while it answered. Try again.",
    "approval_expired": "Nobody decided in time, so nothing was done. Ask again if it is still wanted.",
}


def what_went_wrong(code: str | None) -> str:
    """Words and a next step for the `code` of a turn that did not complete."""
    return _FAILURES.get(code or "", "Something went wrong that has no name yet. Try again.")
