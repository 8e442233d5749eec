"""What the tests of pages share."""

from tests.support.component_scan import scan_once

scan_once()
