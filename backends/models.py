"""A URL picks the model.

Each adapter is imported inside its case, so that nobody needs the client of a provider they do not use.
"""

from core.errors import InvalidInput
from core.model import Model


def open_model(url: str) -> Model:
    """The model behind `offline:`, `offline:?delay=0.02` or `scripted:/path/to/script.json`.

    Raises InvalidInput for anything else, and for a script that cannot be read.
    """
    scheme, _, rest = url.partition(":")
    match scheme:
        case "offline":
            from backends.offline import OfflineModel

            return OfflineModel.from_url(url)
        case "scripted" if rest:
            from backends.script_file import read_script

            return read_script(rest)
        case _:
            raise InvalidInput(f"no model {scheme}: the models are offline: and scripted:PATH.json")
