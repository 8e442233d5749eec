"""What a provider's error means by its words, where its status says too little or something else.

Servers that speak one API call the same fault by many names: a request that is longer than the model's context is a
400 in most of them, a 500 in some, and an event of a good answer in others. The words are collected here, for all APIs.
"""

import re
from collections.abc import Iterable

from core.model import ErrorCode

_NAMES: dict[str, ErrorCode] = {
    "insufficient_quota": "quota",
    "billing_hard_limit_reached": "quota",
    "billing_not_active": "quota",
    "billing_error": "quota",
    "context_length_exceeded": "too_large",
    "context_window_exceeded": "too_large",
    "model_context_window_exceeded": "too_large",
    "exceed_context_size_error": "too_large",
    "request_too_large": "too_large",
    "content_filter": "refusal",
    "content_filter_error": "refusal",
    "content_policy_violation": "refusal",
    "responsibleaipolicyviolation": "refusal",
    "bio_policy": "refusal",
    "cyber_policy": "refusal",
    "moderation_blocked": "refusal",
    "data_inspection_failed": "refusal",
    "budget_exceeded": "quota",
    "arrearage": "quota",
    "datainspectionfailed": "refusal",
    "guardrail_intervened": "refusal",
    "safety_error": "refusal",
    "model_not_found": "invalid_request",
    "tool_use_failed": "protocol",
}
"""The names that stand in an error's `code` or `type`, in small letters."""

ASK_AGAIN = frozenset(("tool_use_failed",))
"""Names of errors that say that the model wrote a call which cannot be made: its next answer may be a good one."""

_OVERFLOW = re.compile(
    r"context[ _-]?(length|size|window|limit)|context the overflows"
    r"|\b(prompt|inputs?|messages?|conversation)\b[^.]{0,60}(?<!took )(?<!takes )\btoo (long|large|many tokens)"
    r"|\brequest (is )?too (long|large)"
    r"|too many (input |prompt )?tokens|input tokens? (length )?too long"
    r"|max(imum)?[ _-](model|prompt|input|sequence|context)[ _-]len"
    r"|\binput (token count|length|tokens)\b.{0,60}\bexceed"
    r"|exceed\w*[^.]{0,60}(token limit|maximum (number of|input|context|prompt|sequence))"
    r"|input length should be|reduce the length of|\btokens\b.{0,60} must be <="
    r"|max_(completion_)?tokens must be at least 1, got -|must have less than \d+ tokens",
    re.IGNORECASE,
)
_TOO_LARGE_FOR_THE_ACCOUNT = re.compile(r"^request too large\b", re.IGNORECASE)
"""A request that is larger than what an account may send in a minute: it would be refused after any pause, too."""

_FILTERED = re.compile(
    r"content (management|safety|usage) polic|content[ _-]?filter|filtered due to|flagged (by|as|for)\b"
    r"|inappropriate content|content ?polic|usage polic|content exists risk|high risk|guardrail"
    r"|blocked (by|due to|because of)[^.]{0,40}(safety|policy|filter|prohibited)|prohibited content",
    re.IGNORECASE,
)
_UNPAID = re.compile(
    r"credit balance is too low|insufficient (account )?(balance|credits?|funds)|budget has been exceeded"
    r"|(run out of|exceeded your monthly included) credits|monthly spending limit|exceeded your current quota"
    r"|(requires?|add) more credits|not enough (credits|balance)|payment required|billing",
    re.IGNORECASE,
)
_BUSY = re.compile(
    r"throttl|too many requests|rate[ _]?limit[ _]?(error|exceeded)|overloaded|server (is )?busy|at capacity"
    r"|no available|wait before trying|model (is )?(still |currently )?loading|loading model|queue is full"
    r"|try again (later|in a)",
    re.IGNORECASE,
)
"""Words of a gateway that passes a 429 on under another status."""

_KEY = re.compile(
    r"api[ _-]?key (is |has )?(not valid|invalid|expired|missing|required)|(invalid|incorrect|missing|no) api[ _-]?key"
    r"|(invalid|expired|missing) (authentication|credentials|token)\b|no auth credentials|security token",
    re.IGNORECASE,
)


_NO_TOOLS = re.compile(
    r"(does not|doesn't|not) support\w*.{0,30}\b(tools?|function)|enable-auto-tool-choice"
    r"|no endpoints found that support tool use"
    r"|\b(tools?|functions?|function calling|tool calling|tool use)\b.{0,30}(not (be )?support|unsupport)",
    re.IGNORECASE,
)


def code_by_words(status: int, names: Iterable[str], message: str) -> ErrorCode | None:
    """What the error's names and its message say that its HTTP status does not; None if they add nothing."""
    names = list(names)
    for name in names:
        if known := _NAMES.get(name.lower()):
            return known
    if status in (402, 403, 412, 429) and _UNPAID.search(message):
        return "quota"
    if status == 429:
        return "too_large" if _TOO_LARGE_FOR_THE_ACCOUNT.search(message) else None
    if status in (400, 404, 422, 500, 501) and _NO_TOOLS.search(message):
        return "no_tools"
    if (status in (400, 422) or status >= 500) and _BUSY.search(" ".join((message, *names))):
        return "overloaded"
    if status in (400, 403, 422) and _FILTERED.search(message):
        return "refusal"
    if status in (400, 413, 422) or status >= 500:
        if _OVERFLOW.search(message):
            return "too_large"
        if _UNPAID.search(message):
            return "quota"
    return "auth" if status == 400 and _KEY.search(message) else None
