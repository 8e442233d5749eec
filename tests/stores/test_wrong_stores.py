"""The suite bites: each store that is wrong on purpose fails it, at the test that is there for its fault."""

from collections import defaultdict
from pathlib import Path

import pytest

from core.store import Store
from tests.stores.wrong_stores import CAUGHT_BY


class Failures:
    """A pytest plugin that notes which tests of the suite failed over which store."""

    def __init__(self) -> None:
        self.of: dict[str, set[str]] = defaultdict(set)
        self.passed = 0

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        store = dict(report.user_properties).get("store")
        if report.failed:
            self.of[str(store)].add(report.location[2].partition("[")[0])
        self.passed += report.when == "call" and report.passed


@pytest.fixture(scope="module")
def failures() -> Failures:
    noted = Failures()
    suite = Path(__file__).with_name("wrong_stores.py")
    pytest.main([str(suite), "-q", "--tb=no", "-r", "N", "-p", "no:cacheprovider", "-p", "no:xdist"], plugins=[noted])
    return noted


def test_the_right_store_passes(failures: Failures) -> None:
    assert failures.passed > 60
    assert failures.of["MemoryStore"] == set()


@pytest.mark.parametrize(("store", "test"), CAUGHT_BY.items(), ids=lambda value: getattr(value, "__name__", "by"))
def test_a_wrong_store_is_caught(failures: Failures, store: type[Store], test: str) -> None:
    assert test in failures.of[store.__name__], f"{store.__name__} failed at {sorted(failures.of[store.__name__])}"
