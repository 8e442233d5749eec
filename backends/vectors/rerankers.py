"""A URL picks the reranker. Each is imported inside its case, so that nobody needs what another one needs."""

from backends.vectors.contracts import Reranker
from core.errors import InvalidInput


def open_reranker(url: str) -> Reranker | None:
    """The reranker behind `pinecone:MODEL`; None for an empty URL. Makes no request.

    `host=http://HOST` as a parameter asks another server that speaks like Pinecone, with the key in the environment
    variable of `key_env=NAME`. Raises InvalidInput for any other URL, and for a package or a key that is missing.
    """
    match url.partition(":"):
        case ("", "", ""):
            return None
        case ("pinecone", ":", rest) if rest:
            try:
                from backends.vectors.pinecone.reranker import PineconeReranker
            except ModuleNotFoundError as error:
                raise InvalidInput(f"{error.name} is not installed: pip install 'rolltop[pinecone]'") from error
            return PineconeReranker.from_url(url)
        case (scheme, _, _):
            raise InvalidInput(f"no reranker is named {scheme!r}: pinecone:MODEL is, or leave it empty for none")
