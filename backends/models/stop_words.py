"""Why an answer ended, in the words of many servers: one table for all APIs.

Gateways pass on the word of whatever model is behind them, so each API's own words are not enough.
"""

import re

from core.canonical import Json
from core.values import StopReason

_WORDS: dict[StopReason, str] = {
    "end": "stop end end_turn end_of_turn eos eos_token eot_id end_of_sequence stop_sequence stop_token stop_word "
    "natural complete completed finish finished done stopped normal natural_stop end_of_text",
    "tool_calls": "tool_calls tool_call tool_use function_call function_calls",
    "length": "length max_tokens max_length max_output_tokens max_completion_tokens max_new_tokens token_limit "
    "model_length context_length context_length_exceeded length_limit too_long truncated "
    "max_tokens_reached max_output_reached model_context_window_exceeded",
    "refusal": "refusal refused content_filter content_filtered filtered safety recitation blocklist spii "
    "sensitive prohibited_content moderation guardrail_intervened guardrail "
    "blocked flagged risk image_safety",
    "pause": "pause_turn pause",
}
_NOT_LETTERS = re.compile(r"[^a-z]")
_REASONS = {_NOT_LETTERS.sub("", word): reason for reason, words in _WORDS.items() for word in words.split()}


def stop_reason_in(word: Json) -> StopReason:
    """The reason that a server's word means, in any case and with any sign between its parts; `other` for a new one."""
    if not isinstance(word, str):
        return "other"
    return _REASONS.get(_NOT_LETTERS.sub("", word.casefold()).removeprefix("finishreason"), "other")
