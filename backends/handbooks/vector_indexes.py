"""A URL picks where vectors are kept. Each index is imported inside its case, so that it alone needs its packages."""

from backends.handbooks.catalogue.catalogue import Catalogue
from backends.vectors.contracts import Embedder, VectorIndex
from core.errors import InvalidInput


def open_vectors(url: str, catalogue: Catalogue, embedder: Embedder | None) -> VectorIndex:
    """The index behind `local:`, the catalogue's own file, or `pinecone:INDEX?namespace=NAME`.

    The first use connects. `pinecone:` takes `cloud` and `region` for a new index, and `model` to let Pinecone embed,
    which needs the embedder None. `host=http://HOST` is another server with Pinecone's API, and `key_env=NAME` the
    environment variable of its key. Raises InvalidInput for any other URL, if an embedder is missing or superfluous,
    and if a package or a key is missing.
    """
    match url.partition(":"):
        case ("local", ":", ""):
            from backends.handbooks.catalogue.local_vectors import LocalVectors

            return LocalVectors(catalogue)
        case ("pinecone", ":", rest) if rest:
            from backends.vectors.pinecone.index import PineconeVectors
            from backends.vectors.pinecone.opening import Address

            address = Address.from_url(url)
            if embedder is None and address.model is None:
                raise InvalidInput("pinecone: needs vectors: choose an embedder, or model=MODEL to have Pinecone embed")
            if embedder is not None and address.model is not None:
                raise InvalidInput(f"pinecone: with model={address.model} embeds itself: choose the embedder none:")
            return PineconeVectors(address)
        case (scheme, _, _):
            raise InvalidInput(f"no vectors are kept in {scheme!r}: local: and pinecone:INDEX?namespace=NAME are known")
