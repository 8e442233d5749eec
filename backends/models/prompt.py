"""How a question and its passages read to a language model: one wording for all providers."""

from core.model import UserMessage
from core.retrieval.numbering import INSIDE, as_text


def user_text(message: UserMessage) -> str:
    """The question, after the passages that are to answer it. They have the numbers that `[n]` markers name."""
    if not message.passages:
        return message.text
    passages = dict(enumerate(message.passages, 1))
    text = as_text(passages, passages, message.judgement)
    return f"Handbook passages. {INSIDE}\n\n{text}\n\nQuestion: {message.text}"
