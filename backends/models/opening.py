"""A URL picks the model. Its adapter is imported only then, so that other providers' SDKs need not be installed."""

from collections.abc import Mapping

from backends.models.prices import Prices
from backends.models.provider import NO_ADDITIONS, Additions
from backends.models.tuned import TunedModel
from core.arguments import checked
from core.canonical import Json
from core.errors import InvalidInput
from core.model import Model, Tuning
from core.values import Usage


@checked()
def open_model(
    url: str,
    *,
    prices: Prices | None = None,
    headers: Mapping[str, str] | None = None,
    extra_body: Mapping[str, Json] | None = None,
    settings: Mapping[str, Json] | None = None,
    context_window: int | None = None,
    first_content: float | None = None,
    between_contents: float | None = None,
    model_call: float | None = None,
) -> Model:
    """The model behind `offline:`, `offline:?delay=0.02`, `scripted:/path/to/script.json`, `openai:MODEL` or
    `anthropic:MODEL`.

    An OpenAI model takes `?api=chat`, and `&base_url=http://HOST/v1` for another server; an Anthropic model takes
    `?base_url=http://HOST`. OPENAI_API_KEY and ANTHROPIC_API_KEY go to OpenAI and Anthropic alone: `&key_env=NAME` is
    the environment variable of another server's key, or of another account's. `prices` None are those of genai-prices.

    `headers` and `extra_body` go to the server with every request: headers, which may be secret, and fields that only
    this server knows. `settings`, `context_window` and the deadlines are this model's own, as `core.Tuning` says.
    Raises InvalidInput if the URL is another one, a script cannot be read, a package or key is missing, or one of the
    others does not fit the model.
    """
    additions = Additions(headers=headers or {}, body=extra_body or {})
    model = _open(url, prices, additions)
    tuning = Tuning(
        settings=settings or {},
        context_window=context_window,
        first_content=first_content,
        between_contents=between_contents,
        model_call=model_call,
    )
    return model if tuning == Tuning() else TunedModel(model, tuning)


def _open(url: str, prices: Prices | None, additions: Additions) -> Model:
    scheme, _, rest = url.partition(":")
    if scheme in ("offline", "scripted") and additions != NO_ADDITIONS:
        raise InvalidInput(f"{scheme}: asks no server, and takes neither headers nor extra_body")
    match scheme:
        case "offline":
            from backends.models.offline.model import OfflineModel

            return OfflineModel.from_url(url)
        case "scripted" if rest:
            from backends.models.scripted.script_file import read_script

            return read_script(rest)
        case "openai" if rest:
            return _open_openai(url, prices, additions)
        case "anthropic" if rest:
            return _open_anthropic(url, prices, additions)
        case "scripted" | "openai" | "anthropic":
            form = "scripted:PATH.json" if scheme == "scripted" else f"{scheme}:MODEL"
            raise InvalidInput(f"{scheme}: names nothing yet: write {form}")
        case "memory" | "sqlite" | "mongodb" | "mongodb+srv":
            raise InvalidInput(f"{scheme}: is a store: open it with `async with open_store(URL) as store:`")
        case _:
            models = "offline:, openai:MODEL, anthropic:MODEL and scripted:PATH.json"
            raise InvalidInput(f"unknown model {scheme!r}; the models are {models}")


def _open_openai(url: str, prices: Prices | None, additions: Additions) -> Model:
    from backends.models.openai.chat import ChatModel
    from backends.models.openai.client import Address
    from backends.models.openai.responses import ResponsesModel

    address = Address.from_url(url)
    model = ChatModel if address.api == "chat" else ResponsesModel
    return model(address.model, base_url=address.base_url, key_env=address.key_env, prices=prices, additions=additions)


def _open_anthropic(url: str, prices: Prices | None, additions: Additions) -> Model:
    from backends.models.anthropic.messages import Address, MessagesModel

    address = Address.from_url(url)
    return MessagesModel(
        address.model, base_url=address.base_url, key_env=address.key_env, prices=prices, additions=additions
    )


def is_priced(url: str, *, prices: Prices | None = None) -> bool | None:
    """Whether this model's tokens have a price; None if its answers say themselves what they cost.

    Raises InvalidInput as `open_model` does for a malformed URL.
    """
    scheme, _, _ = url.partition(":")
    prices = prices or Prices()
    match scheme:
        case "openai":
            from backends.models.openai.client import Address, cost

            return cost(prices, Address.from_url(url), Usage(input=0, output=0)) is not None
        case "anthropic":
            from backends.models.anthropic.messages import Address as OfAnthropic

            address = OfAnthropic.from_url(url)
            provider = "anthropic" if address.own else ""
            return prices.cost(provider, address.model, Usage(input=0, output=0)) is not None
        case _:
            return None
