"""The cards that a company writes: one file a topic, `care/*.yaml`.

A mistake in a card would show in the one moment in which it is needed. So all files are checked when they are opened.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from backends.care.spelling import is_language
from backends.languages import Language
from backends.small_files import read_small
from core.errors import InvalidInput
from core.gate import Viewer
from core.values import CareCard, CareLine, Concern

ANYWHERE = "any"
"""The key of lines for all countries."""

Text = Annotated[str, Field(min_length=1)]


class _Checked(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)


class CardText(_Checked):
    """A card's words in one language. `contact` is whom to turn to."""

    title: Text
    text: Text
    contact: Text | None = None


class Line(_Checked):
    """A line to call; `number` as a person dials it."""

    name: Text
    number: Text
    hours: str = ""


class CareFile(_Checked):
    """What a file says of a topic. `card` has texts by language, `lines` lines by country, `any` for all.

    `phrases` and `excepted` (`except` in the file) are by language, in two letters, beside those that come with
    Rolltop; other languages than the shipped ones may be among them.
    """

    topic: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    seals: bool = True
    card: dict[Language, CardText]
    lines: dict[str, tuple[Line, ...]] = {}
    document: Text | None = None
    section: Text | None = None
    phrases: dict[str, tuple[Text, ...]] = {}
    excepted: dict[str, tuple[Text, ...]] = Field(default={}, alias="except")

    @field_validator("card")
    @classmethod
    def _english(cls, card: dict[Language, CardText]) -> dict[Language, CardText]:
        if "en" not in card:
            raise ValueError("write at least `en`, which is shown if a message is in any other language")
        return card

    @field_validator("phrases", "excepted")
    @classmethod
    def _stemmed(cls, phrases: dict[str, tuple[Text, ...]]) -> dict[str, tuple[Text, ...]]:
        for language in phrases:
            if not is_language(language):
                raise ValueError(
                    f"{language!r} is not a language with known word endings: write two letters, such as fr"
                )
        return phrases

    @field_validator("lines")
    @classmethod
    def _casefolded(cls, lines: dict[str, tuple[Line, ...]]) -> dict[str, tuple[Line, ...]]:
        return {country.casefold(): listed for country, listed in lines.items()}

    def concern(self, viewer: Viewer, language: Language) -> Concern:
        """The concern with its card, for this viewer: the lines of the viewer's country come first."""
        words = self.card.get(language) or self.card["en"]
        countries = dict.fromkeys((viewer.country or ANYWHERE, ANYWHERE))
        lines = tuple(
            CareLine(name=line.name, number=line.number, hours=line.hours)
            for country in countries
            for line in self.lines.get(country, ())
        )
        card = CareCard(
            title=words.title,
            text=words.text,
            lines=lines,
            contact=words.contact,
            document=self.document,
            section=self.section,
        )
        return Concern(topic=self.topic, seals=self.seals, card=card)


def read_cards(folder: Path) -> dict[str, CareFile]:
    """The folder's files by topic. Raises InvalidInput, which names the file and the field, if one is invalid."""
    if not folder.is_dir():
        raise InvalidInput(f"the folder of cards {folder} does not exist: make it, or unset ROLLTOP_CARE")
    cards: dict[str, CareFile] = {}
    files: dict[str, str] = {}
    for path in sorted((*folder.glob("*.yaml"), *folder.glob("*.yml"))):
        card = _read(path)
        if card.topic in cards:
            raise InvalidInput(f"{path.name} and {files[card.topic]} are both about {card.topic}: keep one of them")
        cards[card.topic], files[card.topic] = card, path.name
    return cards


def _read(path: Path) -> CareFile:
    try:
        return CareFile.model_validate(yaml.safe_load(read_small(path).decode()))
    except ValidationError as error:
        raise InvalidInput(f"{path}: {'; '.join(_faults(error))}") from None
    except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:
        raise InvalidInput(f"{path} cannot be read as YAML: {error}") from error


def _faults(error: ValidationError) -> Iterable[str]:
    for fault in error.errors():
        where = ".".join(map(str, fault["loc"])) or "the file"
        match fault["type"]:
            case "missing":
                yield f"{where} is missing: write it"
            case "extra_forbidden":
                yield f"{where} is unknown: the fields are {', '.join(_FIELDS)}; those of a line name, number, hours"
            case "string_type":
                yield f"{where} must be text: put it into quotation marks"
            case _:
                yield f"{where}: {fault['msg'].removeprefix('Value error, ')}"


_FIELDS = [field.alias or name for name, field in CareFile.model_fields.items()]
