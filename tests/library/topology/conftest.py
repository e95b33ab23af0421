"""Fixtures of the tests beside it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from polder.broker import names
from polder.broker.management_api import ManagementApi, ManagementError
from polder.configuration.nodes import credentials
from tests.library.broker import declare_all, management, url_of
from tests.library.topology.changes import OLD, QUEUE
from tests.library.topology.declared import QUEUES


@pytest.fixture(scope="module")
def declared_broker() -> Iterator[None]:
    """With everything declared, and emptied afterwards."""
    declare_all()
    yield
    for queue in QUEUES:
        management().call("DELETE", "queues", management().vhost, queue, "contents")


@pytest.fixture
def api(declared_broker: None, db: None) -> Iterator[ManagementApi]:
    """A broker with everything declared, before the test and after it."""
    api = management()
    yield api
    for kind, name in (
        ("policies", "limit"),
        ("policies", "zlimit"),
        ("operator-policies", "limit"),
        ("queues", OLD),
        ("exchanges", "warehouse.events"),
    ):
        _delete(api, kind, api.vhost, name)
    for user in ("stranger", "order-monitor"):
        _delete(api, "users", user)
    _delete(api, "topic-permissions", api.vhost, "order")
    _delete(api, "vhost-limits", api.vhost, "max-connections")
    api.put("users", "order", body={"password": credentials(url_of("order"))[1], "tags": ""})
    for name in (names.event_exchange("order"), names.event_exchange("inventory"), QUEUE):
        _delete(api, "exchanges" if name.endswith("events") else "queues", api.vhost, name)
    declare_all()


def _delete(api: ManagementApi, *path: str) -> None:
    """Whether it is there or not."""
    try:
        api.call("DELETE", *path)
    except ManagementError as error:
        if ": 404 " not in str(error):
            raise
