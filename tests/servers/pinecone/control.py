"""Pinecone's control plane: indexes made, described until they are ready, configured and deleted."""

from collections.abc import Awaitable, Callable, Mapping

from core.canonical import Json
from tests.servers.pinecone.inference import dimension_of
from tests.servers.pinecone.refusals import Refused
from tests.servers.pinecone.requests import Configure, CreateForModel, CreateIndex, Deployment
from tests.servers.pinecone.space import Index

REGIONS: Mapping[str, tuple[str, ...]] = {
    "aws": ("us-east-1", "us-west-2", "eu-west-1"),
    "gcp": ("us-central1", "europe-west4"),
    "azure": ("eastus2",),
}
"""Where serverless indexes may be."""


class Indexes:
    """All indexes of a project, by name. A new one is described as not ready `unready` times, and lags by `lag` reads.

    `serve` gives an index its address, `stop` takes it back.
    """

    def __init__(
        self, *, unready: int, lag: int, serve: Callable[[Index], Awaitable[str]], stop: Callable[[Index], None]
    ) -> None:
        self._unready = unready
        self._lag = lag
        self._serve = serve
        self._stop = stop
        self._by_name: dict[str, Index] = {}

    async def create(self, body: Json) -> Json:
        """POST /indexes."""
        asked = CreateIndex.model_validate(body)
        dense = asked.schema_.fields["_values"]
        return await self._keep(
            Index(
                name=asked.name,
                dimension=dense.dimension,
                metric=dense.metric,
                deployment=asked.deployment,
                protection=asked.deletion_protection,
                tags=asked.tags,
            )
        )

    async def create_for_model(self, body: Json) -> Json:
        """POST /indexes/create-for-model."""
        asked = CreateForModel.model_validate(body)
        return await self._keep(
            Index(
                name=asked.name,
                dimension=dimension_of(asked.embed.model, asked.embed.dimension),
                metric=asked.embed.metric,
                deployment=Deployment(deployment_type="managed", cloud=asked.cloud, region=asked.region),
                protection=asked.deletion_protection,
                tags=asked.tags,
                model=asked.embed.model,
                text_field=asked.embed.field_map.text,
            )
        )

    def listed(self) -> Json:
        """GET /indexes."""
        return {"indexes": [index.described() for index in self._by_name.values()]}

    def describe(self, name: str) -> Json:
        """GET /indexes/{name}."""
        index = self._named(name)
        described = index.described()
        index.unready = max(index.unready - 1, 0)
        return described

    def configure(self, name: str, body: Json) -> Json:
        """PATCH /indexes/{name}."""
        index, asked = self._named(name), Configure.model_validate(body)
        index.protection = asked.deletion_protection or index.protection
        index.tags = index.tags if asked.tags is None else {**index.tags, **asked.tags}
        return index.described()

    def delete(self, name: str) -> None:
        """DELETE /indexes/{name}."""
        index = self._named(name)
        if index.protection == "enabled":
            raise Refused(403, "Deletion protection is enabled for this index. Disable it before retrying.")
        self._stop(self._by_name.pop(name))

    def _named(self, name: str) -> Index:
        if (index := self._by_name.get(name)) is None:
            raise Refused(404, f"Index {name} not found.")
        return index

    async def _keep(self, index: Index) -> Json:
        cloud, region = index.deployment.cloud, index.deployment.region
        if region not in REGIONS.get(cloud, ()):
            raise Refused(404, f"Resource cloud: {cloud} region: {region} not found.")
        if index.name in self._by_name:
            raise Refused(409, "Resource already exists.")
        index.unready, index.lag = self._unready, self._lag
        self._by_name[index.name] = index
        index.host = await self._serve(index)
        return index.described()
