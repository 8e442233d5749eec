"""Which model gets a request: a desk's models in their order. One that keeps failing is left alone for a while.

The choice is made from the turn's own record of failed calls, so that a worker that takes a turn over goes on where
the last one stood. Only the breaker, which spares a provider that is down, has a memory of its own, in the process.
"""

from collections import deque
from collections.abc import Collection, Mapping, Sequence
from typing import Any, cast

from pydantic import TypeAdapter, ValidationError

from core.canonical import Json
from core.clock import Clock
from core.errors import InvalidInput
from core.log.records import ModelCall
from core.model import Model, tuning_of
from core.options import Options

_FINAL = frozenset(("quota", "auth", "invalid_request", "no_tools"))
_DOWN = frozenset(("overloaded", "connection", "timeout"))


def check_setting(model: Model, name: str, value: Json) -> None:
    """Raises InvalidInput if the model lacks the setting, or the value does not fit."""
    if name not in model.settings:
        accepted = ", ".join(sorted(model.settings)) or "none"
        raise InvalidInput(f"model {model.name} refuses the setting {name!r}; it accepts: {accepted}")
    try:
        TypeAdapter[Json](cast(Any, model.settings[name])).validate_python(value, strict=True)
    except ValidationError as error:
        faults = "; ".join(dict.fromkeys(fault["msg"] for fault in error.errors(include_input=False)))
        raise InvalidInput(f"the setting {name!r} does not fit the model {model.name}: {faults}") from None


def tuned(options: Options, model: Model) -> Options:
    """The options with what the model needs for itself."""
    tuning = tuning_of(model)
    clocks = {name: getattr(tuning, name) for name in ("first_content", "between_contents", "model_call")}
    own = {name: seconds for name, seconds in clocks.items() if seconds is not None}
    return options.model_copy(update=own) if own else options


class Chain:
    """Models, tried in order: one that failed is followed by the next, the last one by the first."""

    def __init__(self, models: Sequence[Model], clock: Clock, options: Options) -> None:
        if not models:
            raise InvalidInput("a desk needs a model")
        self._models = {model.name: model for model in models}
        names = [model.name for model in models]
        if twice := next((name for name in names if names.count(name) > 1), None):
            raise InvalidInput(
                f"two models of one chain share the name {twice}: a record could not say which was asked"
            )
        for model in models:
            for name, value in tuning_of(model).settings.items():
                check_setting(model, name, value)
        self._clock, self._breaks_for = clock, options.breaks_for
        self._failures = {name: deque[float](maxlen=options.breaks_after) for name in self._models}

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
                check_setting(model, name, value)

    def choose(self, failed: Sequence[ModelCall], off: Collection[str] = ()) -> Model | None:
        """The model to use after these failed calls of the step, oldest first; None if each is left alone for now.

        `off` are the names of the models that are switched off.
        """
        able = [name for name in self.able(failed, off) if not self._broken(name)]
        if not able:
            return None
        names, failed = self.names, [call for call in failed if call.code != "adapted"]
        start = names.index(failed[-1].model) + 1 if failed and failed[-1].model in names else 0
        return self._models[next(name for name in [*names[start:], *names[:start]] if name in able)]

    def able(self, failed: Sequence[ModelCall], off: Collection[str]) -> list[str]:
        """The names of the models that may still succeed on the step. The arguments are those of `choose`."""
        out = {*off, *(call.model for call in failed if call.code in _FINAL)}
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
        return len(failures) == failures.maxlen and self._clock.monotonic() - failures[0] < self._breaks_for
