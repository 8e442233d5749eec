"""What a desk answers with: which models, and whether their answers have a price."""

from collections.abc import Iterator

from backends.models.opening import is_priced
from backends.models.prices import Prices, read_prices
from console.doctor.finding import Finding
from console.model_settings import model_urls
from console.settings import Settings
from core.errors import InvalidInput


def examine_models(settings: Settings) -> Iterator[Finding]:
    """Every finding about the models of the settings. Raises InvalidInput if a table of models or prices is.

    Whether they can be opened is found with the store, whose turns need them.
    """
    prices = read_prices(settings.prices) if settings.prices else Prices()
    urls = model_urls(settings.models)
    names = [url.partition("?")[0] for url in urls]
    yield Finding(about="models", what=", then ".join(names) or "none")
    if not any(name.startswith(("openai:", "anthropic:")) for name in names):
        yield Finding(
            about="models",
            what="no provider's model answers",
            to_do="set ROLLTOP_MODEL and the provider's key, as docs/models.md says",
            level="open",
        )
    for url, name in zip(urls, names, strict=True):
        if _is_unpriced(url, prices):
            yield Finding(
                about="prices",
                what=f"the price of {name} is unknown, and so is what its answers cost",
                to_do="put it into a table that ROLLTOP_PRICES names, as docs/models.md says",
                level="open",
            )


def _is_unpriced(url: str, prices: Prices) -> bool:
    try:
        return is_priced(url, prices=prices) is False
    except InvalidInput:
        return False  # a model that cannot be opened
