"""Prices: what is known is exact, what is not known is None."""

import json
import subprocess
import sys

import pytest

from backends.models.prices import Prices, read_prices
from core.errors import InvalidInput
from core.values import Usage
from tests.support.desks import PATIENCE

OWN = {"openai:my-model": {"input": 0.1, "cached": 0.01, "cache_write": 0.2, "output": 3}}
USED = Usage(input=1_000, cached=300, cache_write=200, output=10)


def test_an_own_price_counts_each_kind_of_token_once():
    assert Prices(OWN).cost("openai", "my-model", USED) == 500 * 100 + 300 * 10 + 200 * 200 + 10 * 3_000


def test_without_prices_of_their_own_cached_tokens_cost_what_input_costs():
    prices = Prices({"openai:my-model": {"input": 1, "output": 2}})
    assert prices.cost("openai", "my-model", USED) == 1_000 * 1_000 + 10 * 2_000


def test_a_known_model_is_priced_with_its_cache_inside_of_its_input():
    """500 x 3 + 300 x 0.3 + 200 x 3.75 + 10 x 15 USD per million."""
    assert Prices().cost("anthropic", "claude-sonnet-4-5", USED) == 500 * 3_000 + 300 * 300 + 200 * 3_750 + 10 * 15_000


def test_the_own_table_goes_before_the_known_prices():
    own = Prices({"anthropic:claude-sonnet-4-5": {"input": 0, "output": 0}})
    assert own.cost("anthropic", "claude-sonnet-4-5", USED) == 0


@pytest.mark.parametrize(
    ("provider", "model", "usage"),
    [
        ("anthropic", "a-model-nobody-knows", USED),
        ("a-provider-nobody-knows", "claude-sonnet-4-5", USED),
        ("", "claude-sonnet-4-5", USED),
        ("anthropic", "my-model", USED),
        ("openai", "text-embedding-3-small", USED),
        ("openai", "my-model", Usage(input=1_000)),
        ("openai", "my-model", Usage(output=10)),
        ("openai", "my-model", Usage(input=100, cached=101, output=10)),
        ("openai", "my-model", Usage(input=2**63 - 1, output=10)),
    ],
)
def test_what_is_not_known_costs_none(provider, model, usage):
    assert Prices(OWN).cost(provider, model, usage) is None


def test_an_own_server_is_priced_by_the_one_key_with_its_model():
    twice = {**OWN, "anthropic:my-model": {"input": 1, "output": 1}}
    assert Prices(OWN).cost("", "my-model", USED) == Prices(OWN).cost("openai", "my-model", USED)
    assert Prices(twice).cost("", "my-model", USED) is None


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"my-model": {"input": 1, "output": 1}}, "my-model"),
        ({"openai:m?api=chat": {"input": 1, "output": 1}}, "api=chat"),
        ({"openai:m": {"input": 1}}, "openai:m output: Field required"),
        ({"openai:m": {"input": -1, "output": 1}}, "openai:m input"),
        ({"openai:m": {"input": "NaN", "output": 1}}, "openai:m input"),
        ({"openai:m": {"input": 1, "output": 1, "per_call": 1}}, "per_call"),
        ({"openai:m": 1}, "openai:m"),
    ],
)
def test_a_table_that_is_none_is_refused_by_the_place_that_is_wrong(table, said, tmp_path):
    with pytest.raises(InvalidInput) as raised:
        Prices(table)
    assert said in str(raised.value)
    path = tmp_path / "prices.json"
    path.write_text(json.dumps(table))
    with pytest.raises(InvalidInput) as read:
        read_prices(path)
    assert said in str(read.value)
    assert str(path) in str(read.value)


def test_a_file_gives_the_prices_it_holds(tmp_path):
    path = tmp_path / "prices.json"
    path.write_text(json.dumps(OWN))
    assert read_prices(path).cost("openai", "my-model", USED) == Prices(OWN).cost("openai", "my-model", USED)


@pytest.mark.parametrize("text", ["", "[]", "{", "\xff"])
def test_a_file_that_holds_no_table_is_refused(tmp_path, text):
    path = tmp_path / "prices.json"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(InvalidInput, match="prices"):
        read_prices(path)


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(InvalidInput, match="cannot be read"):
        read_prices(tmp_path / "none.json")


def test_without_genai_prices_the_own_table_still_counts():
    program = f"""
import sys
sys.modules["genai_prices"] = None
from backends.models.prices import Prices
from core.values import Usage
prices, used = Prices({OWN!r}), Usage(input=1_000, output=10)
print(prices.cost("openai", "my-model", used), prices.cost("anthropic", "claude-sonnet-4-5", used))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=PATIENCE)
    assert done.stdout.split() == ["130000", "None"]
