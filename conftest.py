"""For all tests: what was imported and collected stays to the end, and is not searched for garbage
again and again; and no test depends on how long those before it took."""

from __future__ import annotations

import gc
from pathlib import Path

import pytest


@pytest.hookimpl(trylast=True)  # after `-k` has left some out
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """So that tests of a process with a database of its own run without any other: pytest-django
    makes no database unless some test says that it needs one."""
    fixtures = [(item, getattr(item, "fixturenames", ())) for item in items]
    theirs = [item for item, names in fixtures if "django_db_setup" in names]
    if theirs and not any("_django_db_helper" in names for _, names in fixtures):
        theirs[0].add_marker(pytest.mark.django_db)


def pytest_collection_finish() -> None:
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def _jobs_are_expected_since_now(request: pytest.FixtureRequest) -> None:
    """And not since the test database was made, or they are overdue when that was long ago."""
    asked = {"db", "transactional_db"} & set(request.fixturenames)
    if asked or request.node.get_closest_marker("django_db"):
        request.getfixturevalue("db")
        from django.db.models.functions import Now

        from polder.consumer.models import JobRun

        JobRun.objects.update(expected_since=Now())


@pytest.fixture(autouse=True, scope="session")
def _static_files() -> None:
    """The folder that `collectstatic` makes where the service is deployed."""
    from django.conf import settings

    if settings.configured:  # the system's tests have none
        Path(settings.STATIC_ROOT or "").mkdir(parents=True, exist_ok=True)


@pytest.fixture(scope="session")
def django_db_modify_db_settings() -> None:
    """A test's transaction lasts as long as the test, however slow the machine is. The processes
    that tests start have their limits."""
    from django.db import connection

    options = connection.settings_dict["OPTIONS"]
    options["options"] += " -c idle_in_transaction_session_timeout=0"
