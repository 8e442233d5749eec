"""What the tests of pages share."""

from tests.support.streamlit_once import compile_once, run_as_a_console_does, scan_once

scan_once()
compile_once()
run_as_a_console_does()
