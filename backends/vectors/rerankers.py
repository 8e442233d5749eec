"""A URL picks the reranker. It is imported only then, because it needs a package of its own."""

from backends.vectors.contracts import Reranker
from core.errors import InvalidInput


def open_reranker(url: str) -> Reranker | None:
    """The reranker behind `pinecone:MODEL`; None for an empty URL. It does not use the network.

    The parameter `host=http://HOST` names another server that speaks like Pinecone, `key_env=NAME` the environment
    variable of its key. Raises InvalidInput if the URL is another one, or if a package or the key is missing.
    """
    match url.partition(":"):
        case ("", "", ""):
            return None
        case ("pinecone", ":", rest) if rest:
            from backends.vectors.pinecone.reranker import PineconeReranker

            return PineconeReranker.from_url(url)
        case (scheme, _, _):
            raise InvalidInput(
                f"unknown reranker {scheme!r}; write pinecone:MODEL, or leave the URL empty to rank without one"
            )
