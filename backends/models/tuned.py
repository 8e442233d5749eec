"""A model with what it alone needs: settings, a window and deadlines of its own, whatever its adapter."""

from collections.abc import AsyncGenerator

from core.errors import InvalidInput
from core.model import Model, ModelEvent, ModelRequest, Tuning, cost_of
from core.values import Usage
from core.worker.model_chain import check_setting


class TunedModel:
    """The model, for a desk that goes by its `tuning`. Raises InvalidInput for a setting that the model refuses."""

    def __init__(self, model: Model, tuning: Tuning) -> None:
        for name, value in tuning.settings.items():
            check_setting(model, name, value)
        for name in ("context_window", "first_content", "between_contents", "model_call"):
            number = getattr(tuning, name)
            if number is not None and not number > 0:
                raise InvalidInput(f"{name} is more than 0")
        self.name = model.name
        self.settings = model.settings
        self.phrases = model.phrases
        self.tuning = tuning
        self._model = model

    def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        return self._model.stream(request)

    def price(self, usage: Usage) -> int | None:
        """As the model's."""
        return cost_of(self._model, usage)

    async def close(self) -> None:
        await self._model.close()
