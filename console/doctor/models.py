"""What a desk answers with: which models, and whether their answers have a price."""

from collections.abc import Iterator
from urllib.parse import parse_qs

from backends.models.prices import Prices, read_prices
from console.doctor.finding import Finding
from console.model_settings import model_urls
from console.settings import Settings
from core.values import Usage

_SOME = Usage(input=1, output=1)


def examine_models(settings: Settings) -> Iterator[Finding]:
    """Every finding about the models of the settings. Raises InvalidInput if a table of models or prices is.

    Whether they can be opened is found with the store, whose turns need them.
    """
    prices = read_prices(settings.prices) if settings.prices else Prices()
    split = [url.partition(":")[::2] for url in model_urls(settings.models)]
    names = [f"{scheme}:{rest.partition('?')[0]}" for scheme, rest in split]
    yield Finding(about="models", what=f"{', then '.join(names) or 'none'}")
    paid = [(scheme, *rest.partition("?")[::2]) for scheme, rest in split if scheme in ("openai", "anthropic")]
    if not paid:
        yield Finding(
            about="models",
            what="no provider's model answers",
            to_do="set ROLLTOP_MODEL and the provider's key, as docs/models.md says",
            level="open",
        )
    for scheme, name, query in paid:
        # Another server has its own prices, which only the operator knows.
        provider = "" if "base_url" in parse_qs(query) else scheme
        if prices.cost(provider, name, _SOME) is None:
            yield Finding(
                about="prices",
                what=f"the price of {scheme}:{name} is unknown, and so is what its answers cost",
                to_do="put it into a table that ROLLTOP_PRICES names, as docs/models.md says",
                level="open",
            )
