"""All that a console loads before it answers, for `tests.support.forked`: it is nearly all of a console's start.

That includes the examples of people in need, which are fitted here.
"""

import pkgutil
from importlib import import_module

from streamlit.components.v2 import manifest_scanner

import console.cli.main
import console.drawing
import console.streamlit_app
import tests.support.consoles  # noqa: F401
from backends.care.opening import open_care
from backends.models.opening import open_model
from console.sign_in.way import way
from tests.support.streamlit_once import scan_once

for module in pkgutil.iter_modules(console.drawing.__path__, "console.drawing."):
    import_module(module.name)
open_model("offline:")
open_care(None)
way.cache_clear()  # each console has a sign-in of its own
scan_once()
manifest_scanner.scan_component_manifests()
