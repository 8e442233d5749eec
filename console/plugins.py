"""Plug-ins: tools that an installed package brings to the desk, by an entry point of the group `rolltop.tools`.

An installed package says nothing about this desk, so that a plug-in counts only if the setting `tools` names it.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint, entry_points
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from console.tool_words import ToolWords
from console.value_settings import read_value, words_of
from core.errors import InvalidInput
from core.handover import Handover
from core.question_back import ASK_BACK
from core.retrieval.search import SEARCH
from core.server_log import place
from core.tools import Tool

V = TypeVar("V", bound=BaseModel)

GROUP = "rolltop.tools"
DEMO = "demo"
"""The plug-in over a demo's invented records."""
_OWN = EntryPoint(DEMO, "console.demo.plugin:hr", GROUP)
"""Not among the package's metadata, which a clone that was installed earlier would lack."""


@dataclass(frozen=True, slots=True)
class PluginContext:
    """What a plug-in gets. `name` is that of its entry point."""

    name: str

    def settings(self, kind: type[V]) -> V:
        """The plug-in's own settings: the table `[plugins.NAME]`, or variables `ROLLTOP_PLUGINS_NAME_FIELD`.

        Raises InvalidInput as `read_value`; let it pass, because it has words for the operator.
        """
        return read_value(f"plugins.{self.name}", kind)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plugin:
    """What an entry point's function returns: tools, the words for them on pages by the tool's name, and a hand-over.

    `close` is awaited when the desk has closed. Nothing may be opened before the first call of a tool: `rolltop doctor`
    makes the plug-in as well, to know its tools.
    """

    tools: Sequence[Tool]
    words: Mapping[str, ToolWords] = field(default_factory=dict)
    handover: Handover | None = None
    close: Callable[[], Awaitable[None]] | None = None


def make_plugins(names: Iterable[str], *, demo: bool) -> dict[str, Plugin]:
    """The plug-ins of these names, in their order; the demo's if a demo has none.

    Raises InvalidInput, which names the plug-in: for one that is not installed, fails, or has a tool or a hand-over
    that another one has.
    """
    wanted = list(dict.fromkeys(names)) or [DEMO] * demo
    if DEMO in wanted and not demo:
        raise InvalidInput(f"the tools of {DEMO!r} read invented records: only the store of a demo can have them")
    installed = {one.name: one for one in (*entry_points(group=GROUP), _OWN)}
    made: dict[str, Plugin] = {}
    owners = {SEARCH: "the desk", ASK_BACK: "the desk"}
    for name in wanted:
        if name not in installed:
            raise InvalidInput(f"no tools of the name {name!r} are installed; installed are {', '.join(installed)}")
        made[name] = _made(installed[name])
        for tool in made[name].tools:
            if (owner := owners.setdefault(tool.name, name)) != name:
                raise InvalidInput(f"the tool {tool.name} of {name!r} is one of {owner!r}, too: leave one of them out")
    if len(owned := [name for name, plugin in made.items() if plugin.handover]) > 1:
        raise InvalidInput(f"a desk has one hand-over, and these have one each: {', '.join(owned)}")
    return made


def tools_of(plugins: Mapping[str, Plugin]) -> list[Tool]:
    """The tools of all these plug-ins."""
    return [tool for plugin in plugins.values() for tool in plugin.tools]


def _made(entry: EntryPoint) -> Plugin:
    try:
        plugin = entry.load()(PluginContext(entry.name))
    except InvalidInput as error:
        raise InvalidInput(f"the tools of {entry.name!r}: {error}") from error
    except ValidationError as error:  # its own words repeat what was set
        faults = "; ".join(f"{'.'.join(map(str, fault['loc']))}: {words_of(fault)}" for fault in error.errors())
        raise InvalidInput(f"the tools of {entry.name!r} cannot be made: {faults}") from None
    except Exception as error:  # the boundary of a stranger's code
        # Not its message, which may quote a password: this is in the server's log and on pages.
        what = f"{type(error).__name__} ({place(error)})"
        raise InvalidInput(f"the tools of {entry.name!r} cannot be made: {what}") from error
    if not isinstance(plugin, Plugin) or not all(isinstance(tool, Tool) for tool in plugin.tools):
        raise InvalidInput(f"the tools of {entry.name!r}: {entry.value} must return a console.plugins.Plugin of Tools")
    names = [tool.name for tool in plugin.tools]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise InvalidInput(f"the tools of {entry.name!r}: {', '.join(twice)} is there twice")
    return plugin
