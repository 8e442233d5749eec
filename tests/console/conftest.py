"""What the tests of pages share."""

from tests.support.streamlit_once import compile_once, scan_once

scan_once()
compile_once()
