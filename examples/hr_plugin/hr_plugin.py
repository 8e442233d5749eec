"""A company's HR tools as a plug-in of the console, over an HR system's HTTP interface.

Install this folder beside Rolltop (`pip install ./hr_plugin`), then set `ROLLTOP_TOOLS=hris`.
"""

import json
from urllib.parse import quote
from urllib.request import Request, urlopen

from pydantic import BaseModel, ConfigDict, SecretStr

from console.plugins import Plugin, PluginContext
from console.tool_words import ToolWords
from core import ToolContext, tool


class HrisSettings(BaseModel):
    """The table `[plugins.hris]`; the token is better in a variable, `ROLLTOP_PLUGINS_HRIS_TOKEN`."""

    model_config = ConfigDict(frozen=True)

    url: str
    token: SecretStr
    seconds: float = 8


def hris(context: PluginContext) -> Plugin:
    """What the entry point names: it reads the settings, and opens nothing before a tool is called."""
    settings = context.settings(HrisSettings)

    @tool(effect="read", timeout=10)
    def leave_balance(context: ToolContext) -> dict[str, float]:
        """How many vacation days the asking employee has left this year."""
        # The asker comes from the session: an argument would let the model choose an employee.
        request = Request(f"{settings.url}/balances/{quote(context.viewer.id, safe='')}")
        request.add_header("Authorization", f"Bearer {settings.token.get_secret_value()}")
        with urlopen(request, timeout=settings.seconds) as answer:
            return {"days_left": json.load(answer)["days_left"]}

    words = ToolWords("Reading your leave balance", "Leave balance", "Read the leave balance of the person who asked.")
    return Plugin(tools=[leave_balance], words={"leave_balance": words})
