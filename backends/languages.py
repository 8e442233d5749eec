"""Which language a text is in, by its function words: enough to choose between words that are ready in each."""

from typing import Literal, TypeAlias

from core.words import words

Language: TypeAlias = Literal["en", "de"]

# Words of one language only: "in", "was" and "so" are of both, "die" and "war" too often a noun or a verb of English.
_WORDS: dict[Language, frozenset[str]] = {
    "en": frozenset(
        """the a of to is are were be been am my me you your we our they he she his her it its this that these with for
        and or but not from at on do does did don have has had can could will would should how what when where why who
        which if because about there i im ive cant dont""".split()  # noqa: SIM905 - quoted words would be hard to read
    ),
    "de": frozenset(
        """der das den dem des ein eine einen einem einer eines ich du er wir ihr mich mir dich sich uns mein meine
        meinen meinem meiner ist sind bin habe hab hat haben hatte wird werde werden wurde kann können darf muss soll
        will möchte nicht kein keine keinen und oder aber wenn weil dass ob wie wo wer wann warum wieviel viel mit von
        vom zu zum zur für auf aus bei beim nach über unter vor es sie im am noch mehr schon auch nur sehr gibt an
        """.split()  # noqa: SIM905
    ),
}  # fmt: skip


def language_of(text: str) -> Language:
    """English or German; English for a text that is as near to both, or to none."""
    return "de" if leaning(text) > 0 else "en"


def leaning(text: str) -> int:
    """How many more signs of German than of English the text has; below 0 if it has more of English."""
    found = words(text)
    english, german = (sum(word in _WORDS[language] for word in found) for language in ("en", "de"))
    # No English word has these letters, and a short message may have no other sign.
    return german + any(letter in text.casefold() for letter in "äöüß") - english
