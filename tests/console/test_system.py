"""The page System, and what an examination says of settings, people and erasures."""

import pytest

from console.app import app
from core.errors import Denied
from core.store import Query
from tests.console.test_pages import APPROVER, AUDITOR, EMPLOYEE, HANDLER, KEEPER, OFFICER, ask, open_as, texts
from tests.console.test_people import ADMIN

__all__ = ["open_as"]

PAGE = "system"


def badges(at):
    return {metric.label: metric.value for metric in at.metric}


def test_administrators_alone_are_offered_the_page(open_as):
    for viewer in (EMPLOYEE, AUDITOR, APPROVER, HANDLER, OFFICER, KEEPER):
        with pytest.raises(ValueError, match=r"system\.py"):
            open_as(viewer, PAGE)
        with pytest.raises(Denied):
            app().run(app().health(viewer))
        with pytest.raises(Denied), app().stream(app().examine(viewer)) as findings:
            next(findings)


def test_the_page_says_how_the_installation_is_and_what_it_lacks_without_what_people_wrote(open_as):
    secret = "How long is a canary-7f3a leave?"
    ask(open_as(EMPLOYEE), secret)
    at = open_as(ADMIN, PAGE)
    assert not at.exception
    assert badges(at)["Running"] == "0"
    versions = {name: values.iloc[0] for name, values in at.table[1].value.T.items()}
    assert {"Rolltop", "Python", "Streamlit", "SQLite", "Store format", "Fold"} == versions.keys()
    shown = texts(at)
    for said in ("ROLLTOP_MODEL", "docs/models.md", "docs/handbooks.md", "ROLLTOP_ADMINISTRATORS"):
        assert said in shown
    assert "turns and handbooks have not been examined yet" in at.success[0].value
    assert "the review of" not in texts(at)
    at.button(key="sy_examine").click().run()
    assert not at.exception
    assert "the review of conduct/grievance was due" in texts(at)
    everything = repr(at)
    assert "canary" not in everything
    assert EMPLOYEE.id not in everything
    looks = app().run(app().desk._store.find(Query(kind="look", where={"by": ADMIN.id}))).records
    assert {look.fields["action"] for look in looks} == {"system.read"}
    at.run()
    assert "the review of conduct/grievance was due" in texts(at)  # what was found stays
