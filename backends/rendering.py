"""How a question and its passages read to a language model: one wording, whoever the provider is."""

from core.entries import Passage
from core.model import UserMessage


def user_text(message: UserMessage) -> str:
    """The question, after the passages it is to be answered from, numbered as `[n]` markers name them."""
    if not message.passages:
        return message.text
    passages = "\n\n".join(_passage(number, passage) for number, passage in enumerate(message.passages, 1))
    return f"Handbook passages:\n\n{passages}\n\nQuestion: {message.text}"


def _passage(number: int, passage: Passage) -> str:
    where = " / ".join([passage.title, *passage.section])
    since = f", in force since {passage.effective}" if passage.effective else ""
    return f"[{number}] {where} (version {passage.version}{since})\n{passage.text}"
