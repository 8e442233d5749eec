"""The extras of the package, and what each of them installs. A missing one is named with the command that gets it."""

from importlib.util import find_spec

from core.errors import MissingExtra

EXTRAS = {
    "sqlite": ("apsw",),
    "mongodb": ("pymongo",),
    "openai": ("openai",),
    "anthropic": ("anthropic",),
    "handbooks": (
        "apsw",
        "dateparser",
        "docx",
        "lxml",
        "markdown_it",
        "numpy",
        "pypdf",
        "rapidfuzz",
        "safetensors",
        "Stemmer",
        "threadpoolctl",
        "tokenizers",
        "tzdata",
        "wordllama",
        "yaml",
    ),
    "otel": ("opentelemetry",),
    "pinecone": ("pinecone",),
    "console": ("holidays", "pydantic_settings", "streamlit"),
}
"""By extra, the modules that it cannot do without."""


def require(extra: str, *modules: str) -> None:
    """For the `__init__` of a package that needs these modules of an extra, or all of them. Raises MissingExtra."""
    for module in modules or EXTRAS[extra]:
        if not _is_installed(module):
            raise MissingExtra(f"{module} is not installed: pip install 'rolltop[{extra}]'")


def _is_installed(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # of a package above it
        return False
