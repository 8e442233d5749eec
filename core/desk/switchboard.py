"""The tools and the models that are switched off: the list for an administrator, and the switches.

A tool that was switched off is not started by any process a second later, without a restart.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from core.arguments import checked_methods
from core.desk.administration_log import AdministrationLog
from core.desk.checks import MAX_WHY, check_said
from core.errors import InvalidInput
from core.gate import Viewer
from core.log.audit import AuditLog
from core.log.facts import ReasonContent, SwitchedOff, SwitchedOn
from core.log.records import AdministrationRecord, OffSwitch
from core.model import Model
from core.tools import Tool
from core.values import Switched
from core.worker.switches import OffNames

MAX_NAME = 200
"""The most characters of the name of a tool or a model."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolSwitch:
    """A tool, and since when it is `off`, None while it is on. `tool` is None if this process does not have it."""

    name: str
    tool: Tool | None
    off: OffSwitch | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSwitch:
    """A model, as `ToolSwitch` is a tool. `place` is its place in the order in which they are tried, from 1."""

    name: str
    model: Model | None
    place: int | None
    off: OffSwitch | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolsAndModels:
    """What may run in this process, in the desk's order; after it what is switched off on record and missing here."""

    tools: Sequence[ToolSwitch]
    models: Sequence[ModelSwitch]


@checked_methods
class Switchboard:
    """Lists and switches tools and models; an Administration is one. `tools` and `models` are those of the process."""

    def __init__(self, log: AdministrationLog, audit: AuditLog, tools: Iterable[Tool], models: Iterable[Model]) -> None:
        self._log, self._audit = log, audit
        self._tools = {one.name: one for one in tools}
        self._models = {one.name: one for one in models}

    async def off(self) -> OffNames:
        """The tools and the models that are switched off, as of a second ago at most.

        Workers ask before each act. It names no person, so that it needs no viewer. Raises Unavailable or StoreRefused
        if the store does not answer.
        """
        known = await self._log.newest()
        return OffNames(
            frozenset(one.name for one in known.record.off if one.what == "tool"),
            frozenset(one.name for one in known.record.off if one.what == "model"),
        )

    async def now(self) -> datetime:
        """The time by the store's clock, as it was read a second ago at most. Limits are counted by it."""
        return await self._log.now()

    async def tools_and_models(self, viewer: Viewer) -> ToolsAndModels:
        """The tools and models of this process, and what is switched off. It holds nothing that people wrote or asked.

        The listing is a look of the administrator's, and on record before it returns.
        """
        await self._audit.authorize(viewer, "tools.list")
        await self._audit.record(viewer, "tools.list")
        record = (await self._log.read()).record
        off = {(one.what, one.name): one for one in record.off}
        tools = [*self._tools, *(name for what, name in off if what == "tool" and name not in self._tools)]
        models = [*self._models, *(name for what, name in off if what == "model" and name not in self._models)]
        places = {name: place for place, name in enumerate(self._models, 1)}
        return ToolsAndModels(
            tools=[ToolSwitch(name=one, tool=self._tools.get(one), off=off.get(("tool", one))) for one in tools],
            models=[
                ModelSwitch(name=one, model=self._models.get(one), place=places.get(one), off=off.get(("model", one)))
                for one in models
            ],
        )

    async def switch_off_tool(self, viewer: Viewer, name: str, why: str) -> OffSwitch:
        """Let no process start a call of this tool any more, nor offer it to a model; also if this one lacks the tool.

        It holds in each process a second later. A call that waits or is planned is `denied` (switched_off) in its turn;
        one that runs already ends by itself. Raises InvalidInput also for a tool that is off already.
        """
        return await self._switch_off(viewer, "tool", name, why)

    async def switch_on_tool(self, viewer: Viewer, name: str, why: str) -> None:
        """Let the tool be called again. Raises InvalidInput also if it is not switched off."""
        await self._switch_on(viewer, "tool", name, why)

    async def switch_off_model(self, viewer: Viewer, name: str, why: str) -> OffSwitch:
        """Let no process send this model a request any more; the next one of the desk's models takes its place.

        `name` is that of the `Model`. It holds in each process a second later. A request that runs already ends by
        itself. While all models of a desk are off, its turns are `failed` (models_off). Raises InvalidInput also for a
        model that is off already.
        """
        return await self._switch_off(viewer, "model", name, why)

    async def switch_on_model(self, viewer: Viewer, name: str, why: str) -> None:
        """Let the model be requested again. Raises InvalidInput also if it is not switched off."""
        await self._switch_on(viewer, "model", name, why)

    async def _switch_off(self, viewer: Viewer, what: Switched, name: str, why: str) -> OffSwitch:
        await self._audit.authorize(viewer, "tools.switch")
        name = check_said(name, f"which {what} is switched off", MAX_NAME)
        why = check_said(why, f"why the {what} is switched off", MAX_WHY)

        def repeats(record: AdministrationRecord) -> bool:
            if there := record.off_switch(what, name):
                if (there.by, there.why) == (viewer.id, why):
                    return True
                raise InvalidInput(f"the {what} {name} is off already, since {there.off_at}, by {there.by}")
            return False

        off = SwitchedOff(what=what, name=name, account=self._audit.account, content=ReasonContent(reason=why))
        record = await self._log.append(off, viewer.id, repeats)
        return next(one for one in record.off if (one.what, one.name) == (what, name))

    async def _switch_on(self, viewer: Viewer, what: Switched, name: str, why: str) -> None:
        await self._audit.authorize(viewer, "tools.switch")
        name = check_said(name, f"which {what} is switched on", MAX_NAME)
        why = check_said(why, f"why the {what} is switched on", MAX_WHY)

        def repeats(record: AdministrationRecord) -> bool:
            if record.off_switch(what, name) is None:
                raise InvalidInput(f"the {what} {name} is not switched off")
            return False

        on = SwitchedOn(what=what, name=name, account=self._audit.account, content=ReasonContent(reason=why))
        await self._log.append(on, viewer.id, repeats)
