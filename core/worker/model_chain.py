"""Which model gets a request: a desk's models in their order. One that keeps failing is left alone for a while.

The choice is made from the turn's own record of failed calls, so that a worker that takes a turn over goes on where
the last one stood. Only the breaker, which spares a provider that is down, has a memory of its own, in the process.
"""

from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any, cast

from pydantic import TypeAdapter, ValidationError

from core.canonical import Json
from core.clock import Clock
from core.errors import InvalidInput
from core.log.records import ModelCall
from core.model import Model

BREAKS_AFTER = 5
BREAKS_FOR = 60.0
"""Seconds within which BREAKS_AFTER failures break a model: it gets no request until the oldest is older than that."""

_FINAL = frozenset(("quota", "auth", "invalid_request", "no_tools"))
_DOWN = frozenset(("overloaded", "connection", "timeout"))


class Chain:
    """Models, tried in order: one that failed is followed by the next, the last one by the first."""

    def __init__(self, models: Sequence[Model], clock: Clock) -> None:
        if not models:
            raise InvalidInput("a desk needs a model")
        self._models = {model.name: model for model in models}
        if len(self._models) < len(models):
            raise InvalidInput("two models of one chain share a name")
        self._clock = clock
        self._failures = {name: deque[float](maxlen=BREAKS_AFTER) for name in self._models}

    @property
    def names(self) -> list[str]:
        """The models' names, in order."""
        return list(self._models)

    def check(self, settings: Mapping[str, Json]) -> None:
        """Raises InvalidInput for a setting that all models lack, and for a value that does not fit one of them."""
        for name, value in settings.items():
            able = [model for model in self._models.values() if name in model.settings]
            if not able:
                names = sorted({name for model in self._models.values() for name in model.settings})
                accepted = ", ".join(names) or "none"
                raise InvalidInput(
                    f"model {', '.join(self.names)} refuses the setting {name!r}; it accepts: {accepted}"
                )
            for model in able:
                try:
                    TypeAdapter[Json](cast(Any, model.settings[name])).validate_python(value, strict=True)
                except ValidationError as error:
                    faults = "; ".join(dict.fromkeys(fault["msg"] for fault in error.errors(include_input=False)))
                    raise InvalidInput(f"the setting {name!r} does not fit the model {model.name}: {faults}") from None

    def choose(self, failed: Sequence[ModelCall]) -> Model | None:
        """The model to use after these failed calls of the step, oldest first; None if each is left alone for now."""
        able = [name for name in self.able(failed) if not self._broken(name)]
        if not able:
            return None
        names, failed = self.names, [call for call in failed if call.code != "adapted"]
        start = names.index(failed[-1].model) + 1 if failed and failed[-1].model in names else 0
        return self._models[next(name for name in [*names[start:], *names[:start]] if name in able)]

    def able(self, failed: Sequence[ModelCall]) -> list[str]:
        """The names of the models that may still succeed on the step."""
        out = {call.model for call in failed if call.code in _FINAL}
        too_large = [call.model for call in failed if call.code == "too_large"]
        out |= {name for name in too_large if too_large.count(name) > 1}  # once more, with less, may do
        return [name for name in self._models if name not in out]

    def heard(self, name: str, code: str | None) -> None:
        """Count an attempt's outcome: None for an answer, or the code of its failure."""
        if code is None:
            self._failures[name].clear()
        elif code in _DOWN:
            self._failures[name].append(self._clock.monotonic())

    def _broken(self, name: str) -> bool:
        failures = self._failures[name]
        return len(failures) == BREAKS_AFTER and self._clock.monotonic() - failures[0] < BREAKS_FOR
