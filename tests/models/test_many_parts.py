"""An answer of very many parts is refused, because each of its events would be looked for among all of them."""

import pytest

from backends.models.answer_json import MAX_PARTS
from backends.models.anthropic.answer import Answer
from backends.models.openai.chat_answer import Answer as ChatAnswer
from backends.models.openai.responses_answer import Output
from core.errors import ModelError


def anthropic_block(n):
    return {"type": "content_block_start", "index": n, "content_block": {"type": "text"}}


def responses_item(n):
    return {"type": "response.output_item.added", "output_index": n, "item": {"type": "message"}}


def chat_call(n):
    call = {"index": n, "id": f"c{n}", "function": {"name": "days_left", "arguments": "{}"}}
    return {"choices": [{"index": 0, "delta": {"tool_calls": [call]}}]}


@pytest.mark.parametrize(
    ("answer", "part"), [(Answer, anthropic_block), (Output, responses_item), (ChatAnswer, chat_call)]
)
def test_the_part_after_the_most_is_refused_as_too_large(answer, part):
    whole = answer()
    for n in range(MAX_PARTS):
        list(whole.read(part(n)))
    with pytest.raises(ModelError) as raised:
        list(whole.read(part(MAX_PARTS)))
    assert raised.value.code == "answer_too_large"
