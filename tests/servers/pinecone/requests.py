"""The bodies of Pinecone's requests, version 2026-07, as types: a field that is not documented is refused.

The limits are those of Pinecone's page "Operation limits" and of its OpenAPI files. Where a page says "2 MB" the
smaller reading, 2,000,000 bytes, is taken. Sparse vectors and indexes of documents are left out.
"""

import json
from typing import Annotated, Literal, TypeAlias

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from core.canonical import Json

MAX_UPSERT = 2_000_000
MAX_RESULT = 4_000_000
MAX_METADATA = 40_960
MAX_TEXTS = 96


def checked_metadata(metadata: dict[str, Json]) -> dict[str, Json]:
    """Flat, without null; strings, numbers, booleans and lists of strings, 40 KB at most. Raises ValueError.

    Gives it as it is kept: every number a float.
    """
    for key, value in metadata.items():
        if key.startswith("$"):
            raise ValueError(f"metadata: the name of a field must not begin with $: {key}")
        listed = isinstance(value, list) and all(isinstance(one, str) for one in value)
        if not (listed or isinstance(value, str | int | float | bool)):
            raise ValueError(f"metadata: {key} must be a string, a number, a boolean or a list of strings")
    if (size := len(json.dumps(metadata, ensure_ascii=False).encode())) > MAX_METADATA:
        raise ValueError(f"Metadata size is {size} bytes, which exceeds the limit of {MAX_METADATA} bytes per vector")
    return {key: float(value) if type(value) is int else value for key, value in metadata.items()}


def _not_zeros(values: list[float]) -> list[float]:
    if not any(values):
        raise ValueError("Dense vectors must contain at least one non-zero value")
    return values


Id: TypeAlias = Annotated[str, Field(pattern=r"^[\x01-\x7F]+$", max_length=512)]
Name: TypeAlias = Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9-]*[a-z0-9])?$", max_length=45)]
Namespace: TypeAlias = Annotated[str, Field(pattern=r"^[\x01-\x7F]*$", max_length=512)]
Metadata: TypeAlias = Annotated[dict[str, Json], AfterValidator(checked_metadata)]
Values: TypeAlias = Annotated[list[float], Field(min_length=1, max_length=20_000)]
Metric: TypeAlias = Literal["cosine", "euclidean", "dotproduct"]
Protection: TypeAlias = Literal["enabled", "disabled"]
TopK: TypeAlias = Annotated[int, Field(ge=1, le=10_000)]


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False, frozen=True)


class DenseVector(Strict):
    type: Literal["dense_vector"]
    dimension: Annotated[int, Field(ge=1, le=20_000)]
    metric: Metric


class Schema(Strict):
    """`_values` alone makes an index that the vector operations serve; any other field makes one of documents."""

    fields: dict[Literal["_values"], DenseVector] = Field(min_length=1)


class Deployment(Strict):
    deployment_type: Literal["managed"]
    cloud: str
    region: str


class CreateIndex(Strict):
    name: Name
    schema_: Schema = Field(alias="schema")
    deployment: Deployment = Deployment(deployment_type="managed", cloud="aws", region="us-east-1")
    deletion_protection: Protection = "disabled"
    tags: dict[str, str] = {}


class FieldMap(Strict):
    text: str = Field(min_length=1)


class Embed(Strict):
    model: str
    field_map: FieldMap
    metric: Metric = "cosine"
    dimension: int | None = None
    read_parameters: dict[str, Json] = {}
    write_parameters: dict[str, Json] = {}


class CreateForModel(Strict):
    name: Name
    cloud: str
    region: str
    embed: Embed
    deletion_protection: Protection = "disabled"
    tags: dict[str, str] = {}


class Configure(Strict):
    deletion_protection: Protection | None = None
    tags: dict[str, str] | None = None


class Vector(Strict):
    id: Id
    values: Annotated[Values, AfterValidator(_not_zeros)]
    metadata: Metadata = {}


class Upsert(Strict):
    vectors: list[Vector] = Field(min_length=1, max_length=1000)
    namespace: Namespace = ""


class Query(Strict):
    topK: TopK
    vector: Values | None = None
    id: Id | None = None
    filter: dict[str, Json] = {}
    namespace: Namespace = ""
    includeValues: bool = False
    includeMetadata: bool = False

    @model_validator(mode="after")
    def _one_of(self) -> "Query":
        if (self.vector is None) == (self.id is None):
            raise ValueError("a query has either a vector or an id")
        return self


class Delete(Strict):
    namespace: Namespace = ""
    ids: list[Id] | None = Field(default=None, min_length=1, max_length=1000)
    filter: dict[str, Json] | None = Field(default=None, min_length=1)
    deleteAll: bool = False

    @model_validator(mode="after")
    def _one_of(self) -> "Delete":
        if [self.ids is not None, self.filter is not None, self.deleteAll].count(True) != 1:
            raise ValueError("a delete has ids, a filter or deleteAll, and one of them only")
        return self


class Update(Strict):
    id: Id
    namespace: Namespace = ""
    values: Annotated[Values, AfterValidator(_not_zeros)] | None = None
    setMetadata: Metadata = {}


class Stats(Strict):
    pass


class Inputs(Strict):
    text: str


class SearchQuery(Strict):
    top_k: TopK
    inputs: Inputs
    filter: dict[str, Json] = {}


class SearchRerank(Strict):
    model: str
    rank_fields: list[str] = Field(min_length=1)
    top_n: int | None = Field(default=None, ge=1)
    parameters: dict[str, Json] = {}
    query: str | None = None


class Search(Strict):
    query: SearchQuery
    fields: list[str] | None = None
    rerank: SearchRerank | None = None


class EmbedTexts(Strict):
    model: str
    inputs: list[Inputs] = Field(min_length=1)
    parameters: dict[str, Json] = {}


class Rerank(Strict):
    model: str
    query: str = Field(min_length=1)
    documents: list[dict[str, Json]] = Field(min_length=1)
    rank_fields: list[str] = Field(default=["text"], min_length=1)
    top_n: int | None = Field(default=None, ge=1)
    return_documents: bool = True
    parameters: dict[str, Json] = {}
