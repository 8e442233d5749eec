"""Forms made from JSON schemas: what is not touched stays what it was, what is typed fits the schema's types."""

import json
from datetime import date
from enum import Enum
from typing import Annotated, Literal

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, Field
from streamlit.testing.v1 import AppTest

from console.drawing.forms import form_fields, title_of
from core.canonical import canonical


def page():
    import streamlit as st

    from console.drawing.forms import draw_form

    state = st.session_state
    draw_form(
        "f",
        state["fields"],
        state["arguments"],
        send="Send",
        sent=lambda values: state.update(got=values) or state.get("refusal"),
        leave="Leave",
        left=lambda: state.update(left=True),
    )


def drawn(schema, arguments, refusal=None):
    at = AppTest.from_function(page)
    for name, value in {"fields": form_fields(schema), "arguments": arguments, "refusal": refusal}.items():
        at.session_state[name] = value
    at.run()
    assert not at.exception
    return at


def press(at, label):
    next(button for button in at.button if button.label == label).click().run()
    assert not at.exception
    return at


def sent(at):
    return press(at, "Send").session_state["got"]


TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=30)
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)
KINDS = {
    "text": ({"type": "string"}, TEXTS),
    "short text": ({"type": "string", "minLength": 1, "maxLength": 40}, TEXTS.filter(bool)),
    "long text": ({"type": "string", "maxLength": 5000}, TEXTS),
    "day": ({"type": "string", "format": "date"}, st.dates().map(str)),
    "moment": ({"type": "string", "format": "date-time"}, st.datetimes().map(lambda at: at.isoformat())),
    "whole": ({"type": "integer"}, st.integers(-(2**63), 2**63 - 1)),
    "few": ({"type": "integer", "minimum": -3, "maximum": 9}, st.integers(-3, 9)),
    "real": ({"type": "number"}, NUMBERS | st.integers(-(2**60), 2**60)),
    "share": ({"type": "number", "minimum": 0, "maximum": 1}, st.floats(0, 1)),
    "yes": ({"type": "boolean"}, st.booleans()),
    "named": ({"type": "string", "enum": ["a", "b", "a long one"]}, st.sampled_from(["a", "b", "a long one"])),
    "level": ({"enum": [1, 2, 2.5, "none"]}, st.sampled_from([1, 2, 2.5, "none"])),
    "only": ({"const": "x"}, st.just("x")),
    "referred": ({"$ref": "#/$defs/Kind"}, st.sampled_from(["k1", "k2"])),
    "list": ({"type": "array", "items": {"type": "integer"}}, st.lists(st.integers(-9, 9), max_size=3)),
    "nested": ({"type": "object", "properties": {"a": {"type": "string"}}}, st.fixed_dictionaries({"a": TEXTS})),
    "either": ({"anyOf": [{"type": "string"}, {"type": "integer"}]}, TEXTS | st.integers(0, 9)),
    "anything": ({}, JSON),
}


@st.composite
def schemas(draw):
    """A schema with a few properties, and arguments that fit it."""
    properties, required, arguments = {}, [], {}
    for number, kind in enumerate(draw(st.lists(st.sampled_from(sorted(KINDS)), max_size=15))):
        schema, values = KINDS[kind]
        name = f"{kind.replace(' ', '_')}_{number}"
        if draw(st.booleans()):
            schema, values = {"anyOf": [schema, {"type": "null"}]}, st.none() | values
        if draw(st.booleans()):
            schema = {**schema, "default": draw(values)}
        if draw(st.booleans()):
            required.append(name)
        properties[name] = schema
        if name in required or draw(st.booleans()):
            arguments[name] = draw(values)
    schema = {"type": "object", "properties": properties, "required": required}
    return schema | {"$defs": {"Kind": {"type": "string", "enum": ["k1", "k2"]}}}, arguments


def encoded(value):
    """Its JSON, in which 1, 1.0 and true differ."""
    return json.loads(canonical(value)), canonical(value)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(schemas())
@example(({"type": "object", "properties": {"a": {"type": "string"}}}, {"unknown": [1, None], "a": ""}))
@example(({"type": "object", "properties": {"a": {"type": "string", "format": "date"}}}, {"a": "2026-02-31"}))
@example(({"type": "object", "properties": {"a": {"enum": ["a"]}}}, {"a": "no longer listed"}))
@example(({"type": "object", "properties": {"a": {"type": "boolean"}}}, {"a": 1}))
def test_a_form_that_is_not_touched_sends_the_arguments_that_it_was_given(case):
    schema, arguments = case
    assert encoded(sent(drawn(schema, arguments))) == encoded(arguments)


class Meal(Enum):
    LUNCH = "lunch"
    DINNER = "dinner"


class Order(BaseModel):
    day: Annotated[date, Field(title="Day of the meal", description="The day.")]
    meal: Meal
    plates: Annotated[int, Field(ge=1, le=20)]
    price: float
    vegan: bool
    note: Annotated[str | None, Field(max_length=500)] = None
    table: Literal["inside", "outside"] | None = None
    extras: list[str] = []
    name: str = "Guest"


ARGUMENTS = {
    "day": "2026-12-21",
    "meal": "lunch",
    "plates": 2,
    "price": 9.5,
    "vegan": False,
    "note": None,
    "table": None,
    "extras": [],
    "name": "Guest",
}


def test_each_type_has_its_own_widget_in_the_order_of_the_schema_with_names_for_people():
    at = drawn(Order.model_json_schema(), ARGUMENTS)
    assert [widget.label for widget in at.date_input] == ["Day of the meal"]
    assert at.date_input[0].help == "The day\\."
    assert [widget.label for widget in at.selectbox] == ["Meal", "Table (optional)"]
    assert at.selectbox[0].options == ["lunch", "dinner"]
    assert [(widget.label, widget.min, widget.max) for widget in at.number_input[:1]] == [("Plates", 1, 20)]
    assert [widget.label for widget in at.checkbox] == ["Vegan"]
    assert [widget.label for widget in at.text_area] == ["Note (optional)", "Extras (optional), as JSON"]
    assert at.text_area[0].max_chars == 500
    assert [widget.label for widget in at.text_input] == ["Name (optional)"]


def test_what_is_typed_is_sent_in_the_types_of_the_schema():
    at = drawn(Order.model_json_schema(), ARGUMENTS)
    at.date_input[0].set_value(date(2026, 12, 22))
    at.selectbox[0].set_value("dinner")
    at.selectbox[1].set_value("outside")
    at.number_input[0].set_value(3)
    at.number_input[1].set_value(10.25)
    at.checkbox[0].check()
    at.text_area[0].set_value("No *nuts*")
    at.text_area[1].set_value('["salad"]')
    at.text_input[0].set_value("Ana")
    got = sent(at)
    assert Order.model_validate(got)
    assert got == {
        "day": "2026-12-22",
        "meal": "dinner",
        "plates": 3,
        "price": 10.25,
        "vegan": True,
        "note": "No *nuts*",
        "table": "outside",
        "extras": ["salad"],
        "name": "Ana",
    }


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda at: at.date_input[0].set_value(None), "Day of the meal is missing"),
        (lambda at: at.text_area[1].set_value('["salad"'), "Extras is not valid JSON"),
    ],
)
def test_what_cannot_be_sent_is_said_at_the_form_and_what_was_typed_stays(change, said):
    at = drawn(Order.model_json_schema(), ARGUMENTS)
    at.text_input[0].set_value("Ana")
    change(at)
    press(at, "Send")
    assert "got" not in at.session_state
    assert said in at.error[0].value
    assert at.text_input[0].value == "Ana"


def test_what_its_taker_refuses_is_said_at_the_form_until_it_is_left():
    at = drawn(Order.model_json_schema(), ARGUMENTS, refusal="name: it is too short")
    at.text_input[0].set_value("A")
    press(at, "Send")
    assert "name: it is too short" in at.error[0].value.replace("\\", "")
    assert at.text_input[0].value == "A"
    press(at, "Leave")
    assert at.session_state["left"]
    assert not at.error


def test_an_emptied_field_is_null_if_it_may_be_and_else_left_out():
    schema = Order.model_json_schema()
    at = drawn(schema, ARGUMENTS | {"note": "x", "extras": ["bread"]})
    at.text_area[1].set_value("")
    got = sent(at)
    assert "extras" not in got
    at = drawn({"properties": {"day": {"anyOf": [{"type": "string", "format": "date"}, {"type": "null"}]}}}, {})
    at.date_input[0].set_value(date(2026, 1, 2))
    assert sent(at) == {"day": "2026-01-02"}


@pytest.mark.parametrize(
    ("name", "schema", "title"),
    [
        ("first_day", {"title": "First Day"}, "First day"),
        ("start", {"title": "First day"}, "First day"),
        ("iban", None, "Iban"),
    ],
)
def test_a_field_is_named_by_its_title_unless_that_repeats_its_name(name, schema, title):
    assert title_of(name, schema) == title
