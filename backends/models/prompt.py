"""How a question and its passages read to a language model: one wording, whoever the provider is."""

from core.model import UserMessage
from core.retrieval.numbering import INSIDE, as_text


def user_text(message: UserMessage) -> str:
    """The question, after the passages it is to be answered from, numbered as `[n]` markers name them."""
    if not message.passages:
        return message.text
    passages = dict(enumerate(message.passages, 1))
    said = as_text(passages, passages, message.judgement)
    return f"Handbook passages. {INSIDE}\n\n{said}\n\nQuestion: {message.text}"
