"""A URL picks the embedder. Each is imported inside its case, so that nobody needs what another one needs."""

from backends.vectors.contracts import Embedder
from core.errors import InvalidInput

_ACCEPTED = "static:, none:, folder:/path, openai:MODEL and pinecone:MODEL"
_EXTRAS = {"openai": "openai", "pinecone": "pinecone"}


def open_embedder(url: str) -> Embedder | None:
    """The embedder behind `static:`, `folder:/path`, `openai:MODEL` or `pinecone:MODEL`; None for `none:`.

    Reads the vectors or the weights of a model on this machine, which takes a moment; makes no request. Another
    server is `base_url` of an openai: URL and `host` of a pinecone: one, and `key_env` is the environment variable of
    its key. Raises InvalidInput for any other URL, for what cannot be read, and for a missing package or key.
    """
    try:
        return _opened(url)
    except ModuleNotFoundError as error:
        extra = _EXTRAS.get(url.partition(":")[0], "handbooks")
        raise InvalidInput(f"{error.name} is not installed: pip install 'rolltop[{extra}]'") from error


def _opened(url: str) -> Embedder | None:
    match url.partition(":"):
        case ("none", ":", ""):
            return None
        case ("static", ":", ""):
            from backends.vectors.static.embedder import StaticEmbedder
            from backends.vectors.static.tokens import StaticTokens

            return StaticEmbedder(StaticTokens.bundled())
        case ("folder", ":", path) if path:
            from backends.vectors.bert.embedder import FolderEmbedder

            return FolderEmbedder(path)
        case ("openai", ":", rest) if rest:
            from backends.vectors.openai.embedder import OpenAIEmbedder

            return OpenAIEmbedder.from_url(url)
        case ("pinecone", ":", rest) if rest:
            from backends.vectors.pinecone.embedder import PineconeEmbedder

            return PineconeEmbedder.from_url(url)
        case (scheme, _, _):
            raise InvalidInput(f"no embedder is named {scheme!r}: the embedders are {_ACCEPTED}")
