"""A question in other words that ask for the same: as the few words of a search box, and between polite sentences."""

from collections.abc import Sequence
from hashlib import sha256

from backends.stems import question_words

POLITE = (
    "Hello, I hope you are well. Sorry to bother you, but I was wondering if you could kindly tell me: {} Thank "
    "you very much in advance for your help, I really appreciate it.",
    "Good morning dear colleagues, I have a quick question which you can surely answer. {} It would be great if "
    "somebody could let me know when there is a moment. Many thanks and kind regards",
    "Hi there! Would you mind helping me out with something? I have looked around but could not find anything "
    "about it. {} Any information would be much appreciated, thanks a lot!",
    "{} Please excuse me if this has been asked before, I just want to make sure that I understand it correctly. "
    "Thanks so much for taking the time to answer, have a nice day!",
    "Good afternoon to the team. May I trouble you with a small matter that has been on my mind since this "
    "morning? {} I'd be most grateful for a short reply whenever it suits you, and I wish you a pleasant weekend.",
    "Hey, hope all is good on your end and that this is the right place to ask. Basically what I'd love to "
    "understand is the following: {} No rush at all, and cheers for looking into it!",
)
"""Which courtesies the product knows was decided with these in view."""
UNSEEN = (
    "Good evening, this is my first week and I am still finding my way around, so bear with me. {} I am much "
    "obliged to you for any pointers, and I do apologise if that is obvious to everybody else.",
    "To whom it may concern: after some hesitation I have decided to write to you about a thing that puzzles me. "
    "{} If you could get back to me at your earliest convenience, I would be delighted. With best wishes",
    "Hi folks, long time no see! Quick one from me, if nobody objects. {} Feel free to point me to somebody else "
    "in case this is not yours to answer, and have a good one.",
)
"""These were written when that had been decided, and are only reported."""
FEWEST, MOST = 2, 4


def polite(question: str, wrappings: Sequence[str] = POLITE) -> str:
    """The question in one of the wrappings, always the same one."""
    sentence = question if question.endswith((".", "?", "!")) else f"{question}."
    return wrappings[sha256(question.encode()).digest()[0] % len(wrappings)].format(sentence)


def short(question: str) -> str | None:
    """The question's significant words alone; None if they are too few or too many to be typed into a search box."""
    words = list(dict.fromkeys(question_words(question)))
    return " ".join(words) if FEWEST <= len(words) <= MOST else None
