"""A Pinecone index: found or made, waited for, and checked against its address.

It is described before the first request to it, because only the control plane knows its address. A wrong dimension is
found then, and said in our words.
"""

from dataclasses import dataclass

import anyio
from pinecone import AsyncIndex, DenseVectorField, IndexModel, SemanticTextField
from pinecone.errors import ConflictError, NotFoundError

from backends.vectors.pinecone.client import Client, parsed
from backends.vectors.pinecone.errors import REINDEX
from core.errors import InvalidInput, Unavailable

_FORM = "pinecone:INDEX?namespace=NAME, with &cloud=aws&region=us-east-1 for a new index, &model=MODEL to embed there"
_TEXT = "text"
_LONGEST_PAUSE = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """An index, and the namespace that only this installation uses. `model` None: our embedder makes the vectors."""

    index: str
    namespace: str
    cloud: str = "aws"
    region: str = "us-east-1"
    model: str | None = None
    host: str
    key_env: str | None = None

    @classmethod
    def from_url(cls, url: str) -> "Address":
        """`pinecone:INDEX?namespace=NAME`, with cloud, region, model, host and key_env as they differ.

        Raises InvalidInput.
        """
        index, parameters = parsed(url, {"namespace", "cloud", "region", "model"})
        if "namespace" not in parameters:
            # doctor removes records that the catalogue lacks: in a shared namespace, those of the other installation.
            raise InvalidInput(f"a Pinecone index needs a namespace that no other installation uses: {_FORM}")
        return cls(index=index, **parameters)


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """`dimension` None: the index embeds the field `text` itself."""

    index: AsyncIndex
    dimension: int | None
    text: str


async def opened(client: Client, address: Address) -> Opened | None:
    """The index as it is; None if it is missing. Raises InvalidInput if it is of another kind, Unavailable."""
    described = await client.ask(lambda: _described(client, address.index), client.patience.read)
    return None if described is None else await _ready(client, address, described)


async def opened_or_made(client: Client, address: Address, dimension: int | None) -> Opened:
    """The index, made if it is missing. Raises as `opened`, and InvalidInput if it has another dimension."""
    described = await client.ask(lambda: _described(client, address.index), client.patience.read)
    if described is None:
        described = await client.ask(lambda: _made(client, address, dimension), client.patience.write)
    return fits(await _ready(client, address, described), address, dimension)


def fits(found: Opened, address: Address, dimension: int | None) -> Opened:
    """The index again. Raises InvalidInput if it does not take vectors of this dimension, or texts for None."""
    if found.dimension != dimension:
        taken = "texts" if found.dimension is None else f"vectors of {found.dimension}"
        offered = "texts" if dimension is None else f"vectors of {dimension}"
        raise InvalidInput(f"the Pinecone index {address.index} takes {taken}, not {offered}: {REINDEX}")
    return found


async def _described(client: Client, name: str) -> IndexModel | None:
    try:
        return await client.pinecone.indexes.describe(name)
    except NotFoundError:
        return None


async def _made(client: Client, address: Address, dimension: int | None) -> IndexModel | None:
    """The new index; None if another process made it first."""
    indexes, name, cloud, region = client.pinecone.indexes, address.index, address.cloud, address.region
    try:
        if address.model is not None:
            embed = {"model": address.model, "metric": "cosine", "field_map": {"text": _TEXT}}
            return await indexes.create_for_model(name=name, cloud=cloud, region=region, embed=embed, timeout=-1)
        # Another field name than `_values` would make an index of documents, which does not take vectors.
        schema = {"fields": {"_values": {"type": "dense_vector", "dimension": dimension, "metric": "cosine"}}}
        deployment = {"deployment_type": "managed", "cloud": cloud, "region": region}
        return await indexes.create(name=name, schema=schema, deployment=deployment, timeout=-1)
    except ConflictError:
        return None


async def _ready(client: Client, address: Address, described: IndexModel | None) -> Opened:
    pause = client.patience.first
    with anyio.move_on_after(client.patience.creation):
        while described is None or not described.status.ready:
            if described is not None and described.status.state == "InitializationFailed":
                raise InvalidInput(f"Pinecone could not make the index {address.index}: delete it, and try again")
            await anyio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)
            described = await client.ask(lambda: _described(client, address.index), client.patience.read)
    if described is None or not described.status.ready or described.host is None:
        raise Unavailable(f"the Pinecone index {address.index} is not ready")
    return await _connected(client, address, described, described.host)


async def _connected(client: Client, address: Address, described: IndexModel, host: str) -> Opened:
    fields = described.schema.fields
    texts = {name: field for name, field in fields.items() if isinstance(field, SemanticTextField)}
    values = fields.get("_values")
    match list(texts.items()), values:
        case [(name, text)], None if address.model == text.model:
            return Opened(index=await client.index(host), dimension=None, text=name)
        case [], DenseVectorField() if address.model is None:
            return Opened(index=await client.index(host), dimension=values.dimension, text="")
    there = ", ".join(f"{name}: {getattr(field, 'model', 'no model')}" for name, field in fields.items())
    wanted = address.model or "vectors from outside"
    raise InvalidInput(f"the Pinecone index {address.index} is not one of {wanted}, it has {there}")
