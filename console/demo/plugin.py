"""The demo's plug-in: its HR tools, their words, and the hand-over, over its invented records."""

from anyio.to_thread import run_sync as blocking

from console.demo.handover import DemoHandover
from console.demo.records import HrRecords
from console.demo.tools import hr_tools, hr_words
from console.plugins import Plugin, PluginContext
from console.settings import read_settings


def hr(_: PluginContext) -> Plugin:
    """The plug-in over the file of the setting `hr_records`, which the first call opens."""
    records = HrRecords(read_settings().hr_file)

    async def close() -> None:
        await blocking(records.close)

    return Plugin(tools=hr_tools(records), words=hr_words(records), handover=DemoHandover(records), close=close)
