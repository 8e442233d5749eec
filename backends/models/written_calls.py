"""Tool calls that a model wrote as text, because its server does not know how the model writes them."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

from backends.models.answer_json import as_object
from backends.models.call_arguments import as_python_writes, offered
from backends.models.python_calls import closing, may_be_python_call, read_python_call
from core.canonical import Json
from core.model import ToolSchema

CALL_MARKS = (
    "<tool_call>",
    "<tool_calls>",
    "<function_call>",
    "<function_calls>",
    "<function=",
    "<function name=",
    "<start_function_call>",
    "<tool_code>",
    "<tool_use>",
    "<tool-use>",
    "<tools>",
    "<tool=",
    "<tool>",
    "<invoke ",
    "<TOOLCALL>",
    "<minimax:tool_call>",
    "<\uff5cDSML\uff5c",
    "<|channel|>commentary to=",
    "<|channel|>analysis to=",
    "<|start|>assistant to=",
    "<|tool_call|>",
    "<|tool_call>",
    "<|tool_call_start|>",
    "<|tool_calls_section_begin|>",
    "<|action_start|>",
    "<|START_ACTION|>",
    "<|python_tag|>",
    "<\uff5ctool▁calls▁begin\uff5c>",
    "[TOOL_CALLS]",
    "[TOOL_CALL]",
    "[TOOL_REQUEST]",
    "functools[",
)
"""Text that stands in an answer only because a model calls a tool."""

_NAMES = ("name", "tool", "tool_name", "function", "function_name", "recipient_name", "action")
_ARGUMENTS = ("arguments", "parameters", "args", "input", "action_input", "tool_input")
_WITHIN = ("tool_calls", "function_call", "tool_call", "function", "tool_uses")
"""Where a call, or a list of some, stands in an object."""

_KEYS = (*_NAMES, *_ARGUMENTS, *_WITHIN, "type", "id")
_FENCES = ("", "json", "tool_call", "tool_calls", "tool_code", "tool", "function_call", "text")
_CALL_FENCES = ("tool_call", "tool_calls", "tool_code", "function_call")
_FENCE = re.compile(r"```[ \t]*(?P<kind>\w*)[ \t]*(?P<end>\r?\n)?")
_JSON = re.compile(r'\s*(?:\[\s*)?(?:\{\s*(?:"(?P<key>\w*)(?P<end>")?)?)?(?P<more>.?)', re.DOTALL)
_MOST = 200
"""Characters after which the beginning of a call is clear."""

_MARKUP = re.compile(r"(?:</?[A-Za-z_:-]+>|<[|\uff5c][^<>]{1,40}>|\[/?[A-Z_]+\]|functools(?=\[)|```[a-z_]*|[\s;,]+)*")
_NAMED = re.compile(
    r"(?:function<\uff5ctool▁sep\uff5c>|(?:assistant |commentary |analysis )?to=|<function=|call:)?(?:functions\.)?"
    r"(?P<name>[A-Za-z_][\w.-]{0,99})(?::\d{1,9})?\s{0,9}"
    r"(?:\[CALL_ID\]\w{0,99})?(?:\[ARGS\]|(?:(?:<[|\uff5c][^<>]{1,40}>|json|commentary)\s{0,9}){0,6})?"
    r"\s{0,9}(?:```json\s{0,9})?(?=\{)"
)
_BLANKS = re.compile(r"\s{0,99}")
_LIST_END = re.compile(r"\s{0,99}\]?")
_NAME_IN_JSON = re.compile(r'"(?:name|tool|tool_name)"\s*:\s*"([^"]{1,100})"')
_XML = re.compile(
    r"""<(?:function=|function name=|tool=|invoke name=)["']?([^>\s"'{(]+)["']?[^>{]*>(.*?)"""
    r"(</(?:function|tool|invoke)>|\Z)",
    re.DOTALL,
)
_XML_VALUE = re.compile(
    # None goes on behind the next one: else each that lacks its end would be looked for to the end of the text.
    r"""<parameter(?:=| name=)["']?([^>\s"']+)["']?[^>]*>\n?((?:(?!<parameter).)*?)\n?</parameter>"""
    r"|<arg_key>((?:(?!<arg_).)*?)</arg_key>\s*<arg_value>((?:(?!<arg_).)*?)</arg_value>",
    re.DOTALL,
)
_KEYED = re.compile(r"<tool_call>\s*([A-Za-z_][\w.-]{0,99})\s*((?:<arg_key>.*?)?)(</tool_call>|\Z)", re.DOTALL)
_DECODER = json.JSONDecoder(parse_constant=lambda _: None)


@dataclass(frozen=True, slots=True)
class WrittenCall:
    """A call, and the text of its arguments, which is not JSON if they were cut."""

    tool: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Reading:
    """The calls in a text, and the text after them. `marked`: markup says that there is a call, legible or not."""

    found: tuple[WrittenCall, ...] = ()
    text: str = ""
    marked: bool = False


def may_be_call(text: str, last: bool, tools: Mapping[str, ToolSchema]) -> bool | None:
    """Whether text that begins with a bracket or a fence begins a call; None if that is not clear yet.

    Nothing follows the `last` text.
    """
    python = text.startswith("[")
    if fence := _FENCE.match(text):
        kind = fence["kind"].casefold()
        if not any(name.startswith(kind) for name in _FENCES):
            return False
        if not fence["end"] and text[fence.end() : fence.end() + 1] not in ("{", "["):
            return False if last or text[fence.end() :] else None
        if kind not in _FENCES:
            return False
        text = text[fence.end() :]
        python = kind in _CALL_FENCES
    if python:
        is_call = may_be_python_call(text.removeprefix("[").lstrip(), last, None if fence else tools)
        if is_call or (is_call is None and len(text) <= _MOST):
            return is_call
    begins = _JSON.match(text)
    if begins is None:
        return False
    key = begins["key"]
    if begins["end"]:
        return key in _KEYS
    if begins["more"] or last or len(text) > _MOST:
        return False
    return None if any(name.startswith(key or "") for name in _KEYS) else False


def read_calls(text: str, tools: Mapping[str, ToolSchema]) -> Reading:
    """The calls that a text begins with. None are found in JSON that does not read like a call of one of the tools."""
    marked = text.startswith(CALL_MARKS)
    fence = _FENCE.match(text)
    fenced = fence is not None and fence["kind"].casefold() in _CALL_FENCES
    text = text.replace("\uff5cDSML\uff5c", "") if marked else text
    if marked and (functions := list(_XML.finditer(text)) or list(_KEYED.finditer(text))):
        calls_in_xml = tuple(_from_xml(match, tools) for match in functions)
        return Reading(calls_in_xml, _MARKUP.sub("", text[functions[-1].end() :], count=1), marked)
    found: list[WrittenCall] = []
    at = 0
    while True:
        start = _after(_MARKUP, text, at)
        listed = start + (text[start : start + 1] == "[")
        python = read_python_call(text, _after(_BLANKS, text, listed), tools)
        if python and (offered(python[0], tools) in tools or (not found and (marked or fenced))):
            found.append(WrittenCall(*python[:2]))
            at = _after(_LIST_END, text, python[2])
            continue
        named = _NAMED.match(text, start) if marked else None
        begin = named.end() if named else start
        # What is part of the markup ends with a bracket, which belongs to the JSON.
        if text[begin : begin + 1] not in ("{", "["):
            return Reading(tuple(found), text[start:] if found else "", marked)
        try:
            value, at = _DECODER.raw_decode(text, begin)
            calls = [WrittenCall(named["name"], _as_text(value))] if named else _calls_in(value, marked, tools)
        except (ValueError, RecursionError):
            end = closing(text, begin)
            value = as_python_writes(text[begin:end])
            if end is None or value is None:
                return Reading((*found, *_cut(text[begin:], named, tools)), "", marked)
            at, calls = end, [WrittenCall(named["name"], _as_text(value))] if named else _calls_in(value, marked, tools)
        if calls is None:
            return Reading(tuple(found), text[start:] if found else "", marked)
        found += calls


def _cut(text: str, named: re.Match[str] | None, tools: Mapping[str, ToolSchema]) -> tuple[WrittenCall, ...]:
    """A call whose JSON is not whole."""
    name = named["name"] if named else next(iter(_NAME_IN_JSON.findall(text)), "")
    return (WrittenCall(name, text),) if offered(name, tools) in tools else ()


def _calls_in(value: Json, marked: bool, tools: Mapping[str, ToolSchema]) -> list[WrittenCall] | None:
    """The calls that the JSON stands for, None if it is something else."""
    if isinstance(value, list):
        several = [_calls_in(item, marked, tools) for item in value]
        return None if not several or None in several else [call for calls in several for call in calls or ()]
    value = as_object(value)
    for key in _WITHIN:
        if isinstance(value.get(key), dict | list):
            return _calls_in(value[key], marked, tools)
    name = next((value[key] for key in _NAMES if key in value), None)
    arguments = next((key for key in _ARGUMENTS if key in value), None)
    if not isinstance(name, str) or not (arguments or marked):
        return None
    # JSON without markup may be an answer: then only a call of a tool that was offered is one, or what is nothing else.
    nothing_else = len(value) <= 2 + ("id" in value) + ("type" in value) and _is_object(value.get(arguments or ""))
    if not (marked or offered(name, tools) in tools or nothing_else):
        return None
    return [WrittenCall(name, _as_text(value[arguments]) if arguments else "{}")]


def _from_xml(match: re.Match[str], tools: Mapping[str, ToolSchema]) -> WrittenCall:
    """A call such as `<function=look><parameter=year>2026</parameter></function>`."""
    name, body, end = match.groups()
    if not end or body.strip().startswith("{"):
        return WrittenCall(name, body.strip() or "{")
    properties = as_object(as_object(dict(tools[name].parameters) if name in tools else {}).get("properties"))
    values: dict[str, Json] = {}
    found = _XML_VALUE.findall(body)
    if len(found) < body.count("<parameter") + body.count("<arg_key>") or (not found and body.strip()):
        return WrittenCall(name, body.strip())  # a value is cut
    for *of_parameter, key, text in found:
        key, text = of_parameter if of_parameter[0] else (key.strip(), text)
        try:
            values[key] = text if as_object(properties.get(key)).get("type") == "string" else json.loads(text)
        except ValueError:
            values[key] = text
    return WrittenCall(name, _as_text(values))


def _is_object(arguments: Json) -> bool:
    """Whether these are arguments, or the text of some."""
    return isinstance(arguments, dict) or (isinstance(arguments, str) and arguments.lstrip().startswith("{"))


def _as_text(arguments: Json) -> str:
    return arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False)


def _after(pattern: re.Pattern[str], text: str, at: int) -> int:
    match = pattern.match(text, at)
    return match.end() if match else at
