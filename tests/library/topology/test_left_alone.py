"""What topology did not make stays as it is, and is named."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from polder.broker.management_api import ManagementApi
from tests.library.topology.changes import QUEUE, make_classic, put_policy, user


@pytest.mark.parametrize("name", ["admin", "inventory", "stranger"])
def test_a_user_that_it_did_not_make_is_left_as_it_is(
    api: ManagementApi, settings: Any, name: str
) -> None:
    """The deploy user itself, another service's, and one that somebody made for something else."""
    user("stranger", write="somewhere", configure="else")(api)
    settings.POLDER = {**settings.POLDER, "AMQP_URL": f"amqp://{name}:x@127.0.0.1/{api.vhost}"}
    before = [api.call("GET", "users", name), api.call("GET", "users", name, "permissions")]

    with pytest.raises(CommandError, match=f"the user {name} .*topology did not make it"):
        call_command("topology")

    assert [api.call("GET", "users", name), api.call("GET", "users", name, "permissions")] == before


def test_a_foreign_policy_of_our_name_is_left_as_it_is(api: ManagementApi) -> None:
    body = {
        "pattern": "^mine",
        "definition": {"max-length": 1},
        "priority": 0,
        "apply-to": "queues",
    }
    api.put("policies", api.vhost, "order.events", body=body)
    try:
        with pytest.raises(
            CommandError,
            match=r"there is a policy order.events for \^mine, which topology did not make",
        ):
            call_command("topology")
        assert api.call("GET", "policies", api.vhost, "order.events")["pattern"] == "^mine"
    finally:
        api.call("DELETE", "policies", api.vhost, "order.events")


def test_a_queue_of_another_kind_is_named(api: ManagementApi) -> None:
    make_classic(api)
    with pytest.raises(CommandError, match=QUEUE):
        call_command("topology")


def test_a_monitor_sees_it_and_can_change_nothing(api: ManagementApi, settings: Any) -> None:
    address = api.bases[0].removeprefix("http://").removesuffix("/api")
    settings.POLDER = {**settings.POLDER, "MANAGEMENT_URL": f"http://order-monitor:look@{address}"}
    for _ in range(2):
        call_command("topology")
    monitor = ManagementApi(settings.POLDER["MANAGEMENT_URL"], api.vhost)

    assert monitor.call("GET", "queues", api.vhost)
    with pytest.raises(Exception, match="not let in"):
        put_policy(monitor, max_length=1)
    settings.POLDER = {**settings.POLDER, "MANAGEMENT_URL": f"http://admin:x@{address}"}
    with pytest.raises(
        CommandError, match="admin of the service's own management URL is an administrator"
    ):
        call_command("topology")
