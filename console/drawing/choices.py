"""What a reader chooses on a page: by ids in the URL, and kept for the way back to the page.

Streamlit's own binding would put labels into the URL. Here labels have counts, which change, and links from other pages
choose by ids.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar, cast

import streamlit as st

V = TypeVar("V", bound=str)
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Choice(Generic[V]):
    """One choice: its label, and the values that it stands for."""

    label: str
    values: tuple[V, ...]


def single(labels: Mapping[V, str]) -> dict[str, Choice[V]]:
    """Choices that each stand for one value, which is their id."""
    return {value: Choice(text, (value,)) for value, text in labels.items()}


class Facet(Generic[V]):
    """A filter by any of several choices. It is read before it is drawn, because its labels may depend on all filters.

    `key` names it in the URL and the session; it begins with the page's prefix. With `more`, a link may choose ids that
    are not among `choices`, such as a tool that is gone.
    """

    def __init__(self, key: str, label: str, choices: Mapping[str, Choice[V]], *, more: bool = False) -> None:
        self._key = key
        self.label = label
        asked = recall(key, st.query_params.get_all(key))
        gone = {name: Choice(name, (cast(V, name),)) for name in asked if more and name not in choices}
        self._choices = {**choices, **gone}
        self._chosen = [name for name in asked if name in self._choices]
        st.session_state[key] = self._chosen
        remember(key, self._chosen)
        put_in_url(key, self._chosen)

    @property
    def values(self) -> tuple[V, ...]:
        """The values that are chosen; () for any."""
        return tuple(dict.fromkeys(value for name in self._chosen for value in self._choices[name].values))

    @property
    def among(self) -> list[tuple[str, ...]]:
        """The values of each choice, as counts want them."""
        return [choice.values for choice in self._choices.values()]

    @property
    def summary(self) -> str:
        """What is chosen, in words; "" for any."""
        return " or ".join(self._choices[name].label for name in self._chosen)

    def draw_pills(self, counts: Mapping[tuple[str, ...], int] | None = None) -> None:
        """All choices at once, each with its count."""

        def text(name: str) -> str:
            choice = self._choices[name]
            return f"{choice.label} · {counts[choice.values]:,}" if counts else choice.label

        st.pills(self.label, list(self._choices), selection_mode="multi", key=self._key, format_func=text)

    def draw_list(self) -> None:
        """A list that opens, for many choices."""
        st.multiselect(
            self.label,
            list(self._choices),
            key=self._key,
            format_func=lambda name: self._choices[name].label,
            placeholder="Any",
        )


def restore(prefix: str) -> None:
    """Call it first on a page with a period: it brings back what was chosen when the reader left.

    A URL with choices of its own wins, and then all else is as at first: a link must show what it says.
    """
    # A widget's key goes from the session when its page is left.
    if f"{prefix}_time" not in st.session_state and not _in_url(prefix):
        st.session_state.update(st.session_state.get(_kept(prefix), {}))


def reset(prefix: str, keep: Collection[str] = ()) -> None:
    """Choose as at first, before anything but what `keep` names is drawn."""
    for key in {*_in_url(prefix), *(str(key) for key in st.session_state if str(key).startswith(f"{prefix}_"))}:
        if key not in keep:
            st.query_params.pop(key, None)
            st.session_state.pop(key, None)


def recall(key: str, at_first: T) -> T:
    """The value of a widget that is about to be drawn, `at_first` before it was drawn."""
    # Set again, not left to the widget: its value travels as its label, and a new label would lose it.
    value: T = st.session_state.get(key, at_first)
    st.session_state[key] = value
    return value


def remember(key: str, value: object) -> None:
    """Keep a widget's value for when the reader comes back to the page."""
    st.session_state.setdefault(_kept(key.partition("_")[0]), {})[key] = value


def put_in_url(key: str, ids: list[str]) -> None:
    """Name these ids in the URL, and none if there are none."""
    if st.query_params.get_all(key) != ids:
        if ids:
            st.query_params[key] = ids
        else:
            del st.query_params[key]


def private_text(label: str, key: str, *, placeholder: str, hint: str | None = None, search: bool = False) -> str:
    """A text that is never in the URL, such as words or a person's id; "" if there is none."""
    recall(key, "")
    text = st.text_input(
        label,
        key=key,
        type="search" if search else "default",
        placeholder=placeholder,
        help=hint,
        width=320 if search else 200,
    )
    remember(key, text)
    return text.strip()


def _in_url(prefix: str) -> list[str]:
    return [name for name in st.query_params if name.startswith(f"{prefix}_")]


def _kept(prefix: str) -> str:
    return f"{prefix}_kept"
