"""What stands in an answer's text besides its words: thoughts and calls, however a model writes them.

Each text is read at once and character by character. The readers of all three APIs use this one: that they do is shown
in `test_readers_agree.py`.
"""

import json
from typing import Any

import pytest

from backends.models.answer_text import AnswerText
from backends.models.call_arguments import arguments, joined
from core.errors import ModelError
from core.model import ToolSchema
from core.values import StopReason

LOOK = ToolSchema(
    name="look",
    description="Looks.",
    parameters={
        "type": "object",
        "properties": {"year": {"type": "integer"}, "note": {"type": "string"}},
        "required": ["year"],
    },
)
WHOAMI = ToolSchema(name="whoami", description="Says.", parameters={"type": "object", "properties": {}})
HM = "They may be hiding something."
TWELVE = "Twelve days."
YEAR = '{"year": 2026}'
BARE = '{"name": "look", "arguments": {"year": 2026}}'


def read(text: str, *, step: int | None = None, reason: StopReason = "end", first: bool = False) -> Any:
    """The words, the thought and the calls of a text."""
    reader = AnswerText((LOOK, WHOAMI), thinks_first=first)
    parts = [
        part
        for at in range(0, len(text), step or len(text))
        for part in reader.read(text[at : at + (step or len(text))])
    ]
    parts += reader.finish(cut=reason == "length")
    told = {kind: "".join(text for one, text in parts if one == kind) for kind in ("text", "thought")}
    made = [(call.tool, json.loads(call.arguments or "null")) for call in reader.calls(reason)]
    return told["text"], told["thought"].strip(), made


STEPS = pytest.mark.parametrize("step", [None, 1, 3], ids=["at once", "by one", "by three"])

THOUGHTS = [
    f"{begin}{HM}{end}\n\n{TWELVE}"
    for begin, end in [
        ("<think>", "</think>"),
        ("<Think>\n", "</Think>"),
        ("<THINK>", "</THINK>"),
        ('<think x="1">', "</think>"),
        ("<think >", "</think >"),
        ("<thinking>", "</thinking>"),
        ("<Thought>", "</thought>"),
        ("<reasoning effort='high'>", "</reasoning>"),
        ("<reflection>", "</reflection>"),
        ("<seed:think>", "</seed:think>"),
        ("[THINK]", "[/THINK]"),
        ("[think]", "[/think]"),
        ("◁think▷", "◁/think▷"),
        ("<|channel|>analysis<|message|>", "<|end|>"),
        ("<|channel|>analysis<|message|>", "<|channel|>final<|message|>"),
        ("<|channel|>analysis<|message|>", "<|end|><|start|>assistant<|channel|>final<|message|>"),
        ("<|channel|>analysis<|message|>", "<|start|>assistant<|channel|>final <|constrain|>text<|message|>"),
        ("<|start|>assistant<|channel|>analysis<|message|>", "<|channel|>final"),
        # A tag's end in another word, and the end of no tag.
        ("<thinking>", "</think>"),
        ("<think>", "</thinking></think>"),
        ("", "</think>"),
        ("\n", "</THINK>"),
        # Channels whose tokens the server stripped.
        ("analysis", "assistantfinal"),
        ("analysis", "assistantanalysisassistantfinal"),
    ]
]


@STEPS
@pytest.mark.parametrize("text", THOUGHTS)
def test_a_thought_in_any_tag_is_kept_apart(text: str, step: int | None) -> None:
    first = not text.lstrip().startswith(("<", "[", "◁", "analysis"))
    assert read(text, step=step, first=first) == (TWELVE, HM, [])


@STEPS
@pytest.mark.parametrize(
    "end",
    ["</s>", "<|im_end|>", "<|eot_id|>", "<|end|>", "<|return|>", "<|im_end|>\n<|endoftext|>", "</s>\n", "[/INST]"],
)
def test_a_token_at_the_end_is_no_word(end: str, step: int | None) -> None:
    words, thought, made = read(TWELVE + end, step=step)
    assert (words.rstrip(), thought, made) == (TWELVE, "", [])


@STEPS
@pytest.mark.parametrize(
    ("text", "thought", "words"),
    [
        ("<think>a <think> b </think> c </think>Twelve days.", "a <think> b  c", TWELVE),
        ("<think>I write <think> here.</think>Twelve days.", "I write <think> here.", TWELVE),
        ("<think>Not `</think>` yet.</think>Twelve days.", "Not `</think>` yet.", TWELVE),
        ("<think>```\nx = 1\n</think>Twelve days.", "```\nx = 1", TWELVE),
        ("<think>Not `</think", "Not `</think", ""),
        ("<think>```</think>Twelve days.", "```", TWELVE),
        ("<think>A lone `</think>Twelve days.", "A lone `", TWELVE),
        ("<think>a</think>The tag </think> ends it.", "a", "The tag </think> ends it."),
        ("<think>a</think>One.\n<think>b</think>Two.", "ab", "One.\nTwo."),
        ("<think></think>Twelve days.", "", TWELVE),
        ("<think>Hm.", "Hm.", ""),
    ],
)
def test_a_thought_within_a_thought_ends_none(text: str, thought: str, words: str, step: int | None) -> None:
    assert read(text, step=step) == (words, thought, [])


@STEPS
def test_a_thought_without_its_beginning_may_hold_code_that_is_not_closed(step: int | None) -> None:
    assert read(f"Hm:\n```\nx = 1\n</think>\n{TWELVE}", step=step, first=True) == (TWELVE, "Hm:\n```\nx = 1", [])


@STEPS
def test_a_first_thought_that_was_cut_off_is_no_answer(step: int | None) -> None:
    assert read(HM, step=step, first=True, reason="length") == ("", HM, [])
    assert read(HM, step=step, first=True) == (HM, "", [])


IN_WORDS = [
    "Models write `<think>` and `</think>`, `<|im_end|>` and `</s>`.",
    "```\n<think>\nHm.\n</think>\n```",
    "So:\n~~~html\n<think>Hm.</think>\n~~~\nDone.",
    "The tag <think> begins a thought, <reasoning> does so, too.",
    "It was <s>ten</s> twelve days.",
    "See [look](https://x.example/look) and [1].",
    "[look at this] and [whoami]",
    "look(year=2026) is how it is called.",
    "[nothing(year=2026)]",
    "Write\n```python\nlook(year=2026)\n```",
    '{"action": "Approve", "days": 3}',
    '{"action": "Final Answer", "action_input": "Twelve days."}',
    '[{"name": "Anna", "days": 3}]',
    '{"tool_uses": 3}',
    "<thinker> and <thinks>",
    "a <b\n<t",
    "The tag </think> ends a thought.",
    "Close it with </think>, then answer.",
    'The sign "</think>" ends it (or </thinking>).',
    "The form is <think>Hm.</think> and then the answer.",
    "Write <think> and </think>.",
    "analysis of the leave: twelve days",
    "analysis",
    "Is it an assistantfinal?",
    "[",
    "<",
    "`",
    "<thi",
    "[TH",
    "<|channel|>",
    "``",
]


@STEPS
@pytest.mark.parametrize("text", IN_WORDS)
def test_text_that_merely_speaks_of_markup_stays_text(text: str, step: int | None) -> None:
    assert read(text, step=step) == (text, "", [])


ONE = [("look", {"year": 2026})]
TWO = [*ONE, ("whoami", {})]
CALLS = [
    ("[look(year=2026)]", ONE),
    ("[look(year=2026), whoami()]", TWO),
    ("[ look( year = 2026 ) ]", ONE),
    ('[look(year=2026, note="a, (b) [c] \\"d\\"")]', [("look", {"year": 2026, "note": 'a, (b) [c] "d"'})]),
    ("[look(year=-1, note=None)]", [("look", {"year": -1, "note": None})]),
    ("[functions.look(year=2026)]", ONE),
    ("[look(2026)]", ONE),
    ('[look({"year": 2026})]', ONE),
    ("```tool_code\nlook(year=2026)\n```", ONE),
    ("```tool_code\nprint(default_api.look(year=2026))\n```", ONE),
    ("```tool_code\nlook(year=2026)\nwhoami()\n```", TWO),
    (f"```tool_call\n{BARE}\n```", ONE),
    (f"```json\n{BARE}\n```", ONE),
    (f"```\n[{BARE}]\n```", ONE),
    ('{"action": "look", "action_input": {"year": 2026}}', ONE),
    ('```json\n{"action": "look", "action_input": {"year": 2026}}\n```', ONE),
    ('{"tool_uses": [{"recipient_name": "functions.look", "parameters": {"year": 2026}}, '
     '{"recipient_name": "functions.whoami", "parameters": {}}]}', TWO),
    (f"<function=look>{YEAR}</function>", ONE),
    (f"<function=look{YEAR}</function>", ONE),
    (f'<function name="look">{YEAR}</function>', ONE),
    (f"<function=look>{YEAR}</function><function=whoami>{{}}</function>", TWO),
    (f"<|python_tag|>{BARE}", ONE),
    ("<|python_tag|>look.call(year=2026)", ONE),
    ("<|python_tag|>look(year=2026)<|eom_id|>", ONE),
    (f"<tool_call>\n{BARE}", ONE),
    (f"<tool_call>{BARE}</tool_call>\n<tool_call>\n{{\"name\": \"whoami\", \"arguments\": {{}}}}", TWO),
    ("<tool_call>{'name': 'look', 'arguments': {'year': 2026}}</tool_call>", ONE),
    (f"<tools>{BARE}</tools>", ONE),
    (f"<tool_call>{BARE}</tool_call></s>", ONE),
    (f"<think>{HM}</think>[look(year=2026)]", ONE),
    (f"<|channel|>analysis<|message|>{HM}<|end|><|start|>assistant<|channel|>commentary to=functions.look "
     f"<|constrain|>json<|message|>{YEAR}<|call|>", ONE),
    (f"analysis{HM}assistantcommentary to=functions.look json{YEAR}", ONE),
    (f"<tool-use>{{\"tool_calls\": [{BARE}]}}</tool-use>", ONE),
    (f"<|start|>assistant to=functions.look<|channel|>commentary json<|message|>{YEAR}<|call|>", ONE),
]  # fmt: skip


@STEPS
@pytest.mark.parametrize(("text", "made"), CALLS)
def test_a_call_that_was_written_as_text_is_made_and_not_shown(text: str, made: Any, step: int | None) -> None:
    words, thought, calls = read(text, step=step)
    assert (words.strip(), calls) == ("", made)
    assert thought in ("", HM)


@STEPS
@pytest.mark.parametrize(
    "text",
    [
        "```tool_code\nsend_mail(to='x')\n```",
        "<function=send_mail>{}</function>",
        "<|python_tag|>send_mail.call(to='x')",
        '{"action": "send_mail", "action_input": {"to": "x"}}',
        '{"tool_uses": [{"recipient_name": "functions.send_mail", "parameters": {}}]}',
    ],
)
def test_a_written_call_of_a_tool_that_was_not_offered_is_neither_made_nor_shown(text: str, step: int | None) -> None:
    with pytest.raises(ModelError) as raised:
        read(text, step=step)
    assert raised.value.code == "no_tools"


@pytest.mark.parametrize("text", ["[look(year=20", '<tool_call>{"name": "look", "arguments": {"year": 20'])
def test_a_written_call_that_is_cut_keeps_its_arguments_as_they_came(text: str) -> None:
    reader = AnswerText((LOOK, WHOAMI))
    list(reader.read(text))
    list(reader.finish())
    (call,) = reader.calls("end")
    assert (call.tool, call.arguments) == ("look", text[text.index("(" if text[0] == "[" else "{") :])


@pytest.mark.parametrize(
    ("written", "right"),
    [
        (YEAR, YEAR),
        (f"```json\n{YEAR}\n```", YEAR),
        (f"```\n{YEAR}```", YEAR),
        (json.dumps(YEAR), YEAR),
        (json.dumps(json.dumps(YEAR)), YEAR),
        ({"year": 2026}, YEAR),
        ("{'year': 2026}", YEAR),
        ("{'note': 'it is', 'ok': True, 'x': None}", '{"note": "it is", "ok": true, "x": null}'),
        # Two readings, or none: as it was written.
        ("{'note': 'it's'}", "{'note': 'it's'}"),
        ("{'note': 'a\\n'}", "{'note': 'a\\n'}"),
        ("{'year': 20", "{'year': 20"),
        ("```json\n{\"year\": 20", "```json\n{\"year\": 20"),
        ("{1, 2}", "{1, 2}"),
        ('{"year": NaN}', '{"year": NaN}'),
        # None.
        ("", "{}"),
        (None, "{}"),
        ("null", "{}"),
        (" ", "{}"),
        ([], "{}"),
        ("{}", "{}"),
    ],
)  # fmt: skip
def test_arguments_are_read_if_they_have_one_meaning(written: Any, right: str) -> None:
    assert arguments(written, WHOAMI) == right


@pytest.mark.parametrize(
    ("pieces", "right"),
    [
        (['{"ye', 'ar": 2026}'], YEAR),
        (['{"ye', '{"year":', YEAR], YEAR),
        (["", "{", YEAR, YEAR], YEAR),
        (['{"a":', '{"a":1}', "}"], '{"a":{"a":1}}'),
        (['{"a":', '{"a":1}}'], '{"a":{"a":1}}'),
        ([], ""),
    ],
)
def test_pieces_of_arguments_that_repeat_what_came_before_are_not_doubled(pieces: list[str], right: str) -> None:
    assert joined(pieces) == right
