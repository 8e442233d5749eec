"""Forms made from a JSON schema, filled with the values that are on record.

A field that the form cannot show as a date, a number, a choice or a text is edited as JSON. A field that is left as it
was drawn keeps its value to the byte, or stays missing.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal, TypeAlias

import streamlit as st

from console.drawing.text import label
from core.canonical import Json
from core.errors import InvalidInput

Kind: TypeAlias = Literal["date", "choice", "boolean", "integer", "number", "text", "json"]

_SAFE = 2**53 - 1
"""The largest whole number that a browser keeps exactly."""
_LONG_TEXT = 200
"""The characters from which a text gets several lines."""
_BOUNDS: Mapping[Kind, tuple[str, str]] = {
    "integer": ("minimum", "maximum"),
    "number": ("minimum", "maximum"),
    "text": ("minLength", "maxLength"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class FormField:
    """A field of a form. `least` and `most` bound a number, or a text's length; None is unbounded.

    `nullable`: an emptied field is null, and not missing. `default` is shown in the place of a missing value.
    """

    name: str
    title: str
    kind: Kind
    help: str | None = None
    required: bool = True
    nullable: bool = False
    choices: tuple[Json, ...] = ()
    least: float | None = None
    most: float | None = None
    default: Json = None


def form_fields(schema: Mapping[str, Json]) -> list[FormField]:
    """The fields for the properties of an object's JSON schema, in its order."""
    required, definitions = schema.get("required", ()), schema.get("$defs", {})
    properties: Mapping[str, Json] = schema.get("properties", {})
    return [_field(name, written, name in required, definitions) for name, written in properties.items()]


def title_of(name: str, schema: Mapping[str, Json] | None = None) -> str:
    """A property's name for people: the title in its schema, unless that only repeats the name."""
    spaced = name.replace("_", " ").strip() or name
    title = str((schema or {}).get("title") or "")
    return title if title and title.casefold() != spaced.casefold() else spaced[:1].upper() + spaced[1:]


def draw_form(
    key: str,
    fields: Sequence[FormField],
    values: Mapping[str, Json],
    *,
    send: str,
    sent: Callable[[dict[str, Json]], str | None],
    leave: str,
    left: Callable[[], object],
    draw_below: Callable[[], object] | None = None,
) -> None:
    """A form with two buttons, `send` and `leave`; `draw_below` draws what stands between the fields and these.

    `sent` gets the values with what was typed, and returns why they are refused, or None. What it refuses is said at
    the form, which keeps what was typed; so does a field that is missing, or not valid JSON.
    """
    with st.form(key, border=False, enter_to_submit=False):
        for field in fields:
            _draw_field(field, values.get(field.name, field.default), f"{key}_{field.name}")
        if draw_below:
            draw_below()
        if refused := st.session_state.get(f"{key}_refused"):
            st.error(label(refused, 300), title="Not saved", icon=":material/error:")
        with st.container(horizontal=True):
            st.form_submit_button(
                send, key=f"{key}_send", type="primary", on_click=_send, args=(key, fields, dict(values), sent)
            )
            st.form_submit_button(leave, key=f"{key}_leave", on_click=_leave, args=(key, left))


def typed(key: str, fields: Sequence[FormField], values: Mapping[str, Json]) -> dict[str, Json]:
    """The values with what was typed into the form of this key. Raises InvalidInput, in words for its reader."""
    changed = dict(values)
    for field in fields:
        before = values.get(field.name, field.default)
        shown = _shown(field, before)
        now = st.session_state.get(f"{key}_{field.name}", shown)
        if now is None or (now == "" and _drawn_as(field, before) == "json"):
            if field.required and not field.nullable:
                raise InvalidInput(f"{field.title} is missing.")
            if shown is not None:
                changed.pop(field.name, None)
                changed |= {field.name: None} if field.nullable else {}
        elif now != shown:
            changed[field.name] = _read(field, before, now)
    return changed


def _send(
    key: str,
    fields: Sequence[FormField],
    values: Mapping[str, Json],
    sent: Callable[[dict[str, Json]], str | None],
) -> None:
    # A callback, because the widgets of a form have their new values only there before the page is drawn again.
    try:
        refused = sent(typed(key, fields, values))
    except InvalidInput as error:
        refused = str(error)
    st.session_state[f"{key}_refused"] = refused


def _leave(key: str, left: Callable[[], object]) -> None:
    st.session_state.pop(f"{key}_refused", None)
    left()


def _field(name: str, written: Mapping[str, Json], required: bool, definitions: Mapping[str, Json]) -> FormField:
    shape, nullable = _resolved(written, definitions)
    kind, choices = _kind(shape)
    low, high = _BOUNDS.get(kind, ("", ""))
    return FormField(
        name=name,
        title=title_of(name, written),
        kind=kind,
        help=str(written.get("description") or shape.get("description") or "") or None,
        required=required,
        nullable=nullable,
        choices=choices,
        least=shape.get(low),
        most=shape.get(high),
        default=written.get("default"),
    )


def _resolved(schema: Mapping[str, Json], definitions: Mapping[str, Json]) -> tuple[Mapping[str, Json], bool]:
    """The schema behind references and without the null that it may also be; and whether it may be null."""
    if reference := schema.get("$ref"):
        return _resolved(definitions.get(str(reference).rpartition("/")[2], {}), definitions)
    options = schema.get("anyOf", ())
    others = [option for option in options if option.get("type") != "null"]
    if len(others) == 1:
        shape, nullable = _resolved(others[0], definitions)
        return shape, nullable or len(options) > 1
    return ({}, len(others) < len(options)) if others else (schema, False)


def _kind(shape: Mapping[str, Json]) -> tuple[Kind, tuple[Json, ...]]:
    listed = [shape["const"]] if "const" in shape else shape.get("enum")
    if listed and all(isinstance(choice, str | int | float) for choice in listed):
        return "choice", tuple(listed)
    match shape.get("type"), shape.get("format"):
        case "string", "date":
            return "date", ()
        case "string", _ if not listed:
            return "text", ()
        case "integer" | "number" | "boolean" as simple, _ if not listed:
            return simple, ()
        case _:
            return "json", ()


def _shown(field: FormField, value: Json) -> Any:  # Any: of each kind of widget another type
    """The value as the field's widget holds it; None is an empty widget."""
    if value is None:
        return None
    match _drawn_as(field, value):
        case "date":
            return date.fromisoformat(value)
        case "number":
            return float(value)
        case "json":
            return json.dumps(value, ensure_ascii=False, indent=2)
        case _:
            return value


def _read(field: FormField, before: Json, now: str | float | date) -> Json:
    """What was typed, as JSON."""
    if isinstance(now, date):
        return now.isoformat()
    if _drawn_as(field, before) != "json":
        return now
    try:
        return json.loads(str(now))
    except (ValueError, RecursionError) as error:
        raise InvalidInput(f"{field.title} is not valid JSON: {error}") from None


def _drawn_as(field: FormField, value: Json) -> Kind:
    """The kind of widget: JSON for a value that the field's own widget cannot hold."""
    if value is None or field.kind == "json":
        return field.kind
    number = isinstance(value, int | float) and not isinstance(value, bool)
    fits = {
        "date": isinstance(value, str) and _is_day(value),
        "choice": any(value == choice and type(value) is type(choice) for choice in field.choices),
        "boolean": isinstance(value, bool),
        "integer": isinstance(value, int) and number and abs(value) <= _SAFE and _within(field, value),
        "number": number and abs(value) <= _SAFE and _within(field, value),
        "text": isinstance(value, str) and len(value) <= (field.most or len(value)),
    }
    return field.kind if fits[field.kind] else "json"


def _within(field: FormField, number: float) -> bool:
    return (field.least is None or number >= field.least) and (field.most is None or number <= field.most)


def _is_day(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _draw_field(field: FormField, value: Json, key: str) -> None:
    title = label(field.title) if field.required else f"{label(field.title)} (optional)"
    shown, about = _shown(field, value), label(field.help, 500) if field.help else None
    least, most = field.least, field.most
    match _drawn_as(field, value):
        case "date":
            st.date_input(title, shown, date.min, date.max, key, about, format="DD/MM/YYYY")
        case "choice":
            index = None if value is None else field.choices.index(value)
            st.selectbox(title, field.choices, index, str, key, about)
        case "boolean" if value is not None:
            st.checkbox(title, value, key, about)
        case "boolean":
            st.selectbox(title, (True, False), None, lambda yes: "Yes" if yes else "No", key, about)
        case "integer":
            whole = [None if bound is None else int(bound) for bound in (least, most)]
            st.number_input(title, whole[0], whole[1], shown, 1, key=key, help=about)
        case "number":
            real = [None if bound is None else float(bound) for bound in (least, most)]
            st.number_input(title, real[0], real[1], shown, None, "%.15g", key, about)
        case "text" if max(most or 0, len(value or "")) > _LONG_TEXT or "\n" in (value or ""):
            st.text_area(title, shown, max_chars=int(most) if most else None, key=key, help=about)
        case "text":
            st.text_input(title, shown, int(most) if most else None, key, help=about)
        case "json":
            st.text_area(f"{title}, as JSON", shown, key=key, help=about)
