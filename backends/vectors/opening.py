"""A URL picks the embedder. It is imported only then, so that the packages of the others need not be installed."""

from backends.vectors.contracts import Embedder
from core.errors import InvalidInput

_ACCEPTED = "static:, none:, folder:/path, openai:MODEL and pinecone:MODEL"


def open_embedder(url: str) -> Embedder | None:
    """The embedder behind `static:`, `folder:/path`, `openai:MODEL` or `pinecone:MODEL`; None for `none:`.

    It reads a local model's files, which takes a moment, and does not use the network. Another server is the `base_url`
    of an openai: URL or the `host` of a pinecone: URL; `key_env` is the environment variable of its key. Raises
    InvalidInput if the URL is another one, a file cannot be read, or a package or key is missing.
    """
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
            raise InvalidInput(f"unknown embedder {scheme!r}; the embedders are {_ACCEPTED}")
