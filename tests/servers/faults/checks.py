"""What the providers refuse, refused: a request is held against its own SDK's types, then against the provider's rules.

The SDKs' types know every parameter and block there is; what they do not know they drop without a word, so what went in
is compared with what came out.
"""

from collections.abc import Iterable, Iterator, Mapping
from functools import cache

from pydantic import TypeAdapter, ValidationError

from core.canonical import Json
from tests.servers.faults.errors import Api
from tests.servers.faults.rules import Refused, check_chat, check_messages, check_responses

_UNTYPED: Mapping[Api, frozenset[str]] = {"messages": frozenset(("temperature", "top_p", "top_k"))}
"""Parameters that the API takes for some models, and its SDK has no types for any more."""


def check(api: Api, body: Json, *, paused: bool = False) -> None:
    """Raises Refused for what the API does not take. Raises ModuleNotFoundError where its SDK is not installed.

    `paused`: an answer was paused before, so that the request may end with that answer, to have it gone on with.
    """
    if not isinstance(body, dict):
        raise Refused("the body is no JSON object")
    if body.get("stream") is not True:
        raise Refused("stream: this server answers streams only")
    _check_types(api, body)
    match api:
        case "responses":
            check_responses(body)
        case "chat":
            check_chat(body)
        case "messages":
            check_messages(body, paused)


@cache
def _params(api: Api) -> TypeAdapter[Json]:
    """The SDK's own type of the request."""
    match api:
        case "responses":
            from openai.types.responses.response_create_params import ResponseCreateParamsStreaming

            return TypeAdapter(ResponseCreateParamsStreaming)
        case "chat":
            from openai.types.chat.completion_create_params import CompletionCreateParamsStreaming

            return TypeAdapter(CompletionCreateParamsStreaming)
        case "messages":
            from anthropic.types.message_create_params import MessageCreateParamsStreaming

            return TypeAdapter(MessageCreateParamsStreaming)


def _check_types(api: Api, body: dict[str, Json]) -> None:
    body = {name: value for name, value in body.items() if name not in _UNTYPED.get(api, ())}
    if api == "chat":  # a server that gives its thoughts takes them back
        body["messages"] = [_thoughtless(message) for message in body["messages"]]
    try:
        typed = _plain(_params(api).validate_python(body))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise Refused(f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from error
    if (unknown := _difference(body, typed)) is not None:
        raise Refused(f"{unknown}: extra inputs are not permitted")


def _thoughtless(message: Json) -> Json:
    if not isinstance(message, dict) or message.get("role") != "assistant":
        return message
    return {name: value for name, value in message.items() if name != "reasoning_content"}


def _plain(value: Json) -> Json:
    """The value with what pydantic reads lazily read: an iterable is checked no sooner."""
    if isinstance(value, Mapping):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, str | bytes) or not isinstance(value, Iterable):
        return value
    return [_plain(inner) for inner in value]


def _difference(sent: Json, typed: Json, path: str = "") -> str | None:
    """Where something was sent that the types do not have: they drop it without a word."""
    if isinstance(sent, dict) and isinstance(typed, dict):
        pairs: Iterator[tuple[str, Json, Json]] = ((key, value, typed.get(key, ...)) for key, value in sent.items())
    elif isinstance(sent, list) and isinstance(typed, list) and len(sent) == len(typed):
        pairs = ((str(n), *pair) for n, pair in enumerate(zip(sent, typed, strict=True)))
    else:
        return None if sent == typed else path
    found = (_difference(a, b, f"{path}.{key}" if path else key) for key, a, b in pairs)
    return next((where for where in found if where is not None), None)
