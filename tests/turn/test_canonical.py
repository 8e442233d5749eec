"""Canonical JSON and the hashes over it: what is refused, and the bytes that every store must agree on."""

import hashlib
import json
import math
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.canonical import MAX_DEPTH, canonical
from core.clock import iso
from core.errors import InvalidInput
from core.log.entry import Draft, chain, shell_hash
from core.values import GENESIS

AT = datetime(2026, 1, 1, 8, tzinfo=UTC)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
scalars = st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | texts
values = st.recursive(
    scalars | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)


def nested(depth):
    value = []
    for _ in range(depth):
        value = [value]
    return value


@given(values)
def test_what_is_encoded_reads_back_as_it_was_in_one_spelling(value):
    encoded = canonical(value)
    assert json.loads(encoded) == value
    assert canonical(json.loads(encoded)) == encoded
    assert encoded == json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()


@pytest.mark.parametrize(
    "value",
    [
        math.nan,
        {"a": [math.inf]},
        2**63,
        [-(2**63) - 1],
        {"a": {"b": 10**30}},
        "\ud800",
        {"\udfff": 1},
        {1: "a"},
        {"a": {None: 1}},
        [{("a",): 1}],
        b"bytes",
        {"a": {1, 2}},
        datetime(2026, 1, 1, tzinfo=UTC),
        nested(MAX_DEPTH + 1),
        [nested(MAX_DEPTH - 1), {"a": nested(MAX_DEPTH)}],
    ],
    ids=repr,
)
def test_what_is_not_json_everywhere_is_refused(value):
    with pytest.raises(InvalidInput):
        canonical(value)


def test_a_value_that_holds_itself_is_refused():
    value = []
    value.append(value)
    with pytest.raises(InvalidInput):
        canonical(value)


@pytest.mark.parametrize(
    "value", [2**63 - 1, -(2**63), "9" * 40, {"9" * 40: ["1" * 25]}, nested(MAX_DEPTH), (1, (2,)), True, 1e300]
)
def test_the_extremes_are_taken(value):
    assert canonical(value) == json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


@given(texts, texts, st.dictionaries(texts, values, max_size=3), values)
def test_an_entry_is_hashed_as_one_json_object_whatever_its_texts_are(kind, by, shell, payload):
    salts = ["00ff" * 8, "ab" * 16]
    drafts = [Draft(kind=kind, v=1, shell=shell, payload=payload)] * 2
    first, second = chain("thread:t", 0, GENESIS, drafts, by=by, at=AT, salts=salts)
    assert second.prev == first.hash
    assert first.commitment == hashlib.sha256(b"\x02" + bytes.fromhex(salts[0]) + canonical(payload)).hexdigest()
    for entry in (first, second):
        whole = {
            "stream": entry.stream,
            "n": entry.n,
            "kind": entry.kind,
            "v": entry.v,
            "at": iso(entry.at),
            "by": entry.by,
            "shell": entry.shell,
            "commitment": entry.commitment,
            "prev": entry.prev,
        }
        assert entry.hash == hashlib.sha256(b"\x03" + canonical(whole)).hexdigest()


def test_a_copy_of_an_entry_is_encoded_anew():
    (entry,) = chain("thread:t", 0, GENESIS, [Draft(kind="k", v=1, shell={}, payload={})], by="u", at=AT, salts=["00"])
    changed = replace(entry, shell={"turn": "other"}, payload=1)
    assert (changed.shell_json, changed.payload_json) == (b'{"turn":"other"}', b"1")
    assert shell_hash(changed) != entry.hash


@pytest.mark.parametrize("given", [{"kind": "\ud800"}, {"by": "\ud800"}, {"stream": "thread:\ud800"}], ids=repr)
def test_an_entry_whose_own_texts_are_not_characters_is_refused(given):
    named = {"kind": "k", "by": "u", "stream": "thread:t"} | given
    draft = Draft(kind=named["kind"], v=1, shell={}, payload={})
    with pytest.raises(InvalidInput):
        chain(named["stream"], 0, GENESIS, [draft], by=named["by"], at=AT, salts=["00"])
