"""How a question and its passages read to a language model: one wording for all providers."""

from core.model import UserMessage
from core.retrieval.numbering import INSIDE, as_text

IN_NEED = (
    "The employee may be in need (topic: {topic}). A card with help and a way to talk to a person stands above your "
    "answer already. Answer in a few kind, plain sentences. Do not diagnose, judge, play it down or promise anything. "
    "Say what the passages offer, and that a person can be reached."
)


def user_text(message: UserMessage) -> str:
    """The question, after the passages that are to answer it. They have the numbers that `[n]` markers name."""
    parts = []
    if message.topic:
        parts.append(IN_NEED.format(topic=message.topic.replace("_", " ")))
    if message.passages:
        passages = dict(enumerate(message.passages, 1))
        text = as_text(passages, passages, message.judgement)
        parts.append(f"Handbook passages. {INSIDE}\n\n{text}")
    return "\n\n".join([*parts, f"Question: {message.text}"]) if parts else message.text
