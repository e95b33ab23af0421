"""What is declared no more is named, and removed when somebody says so."""

from __future__ import annotations

import pytest
from amqp.basic_message import Message
from django.core.management import call_command
from django.core.management.base import CommandError

from polder.broker import leftovers, names
from polder.broker.declared import declared
from polder.broker.management_api import ManagementApi
from polder.testing import eventually
from tests.library.broker import connected
from tests.library.topology.changes import OLD


class TestPrune:
    @pytest.fixture
    def old(self, api: ManagementApi) -> ManagementApi:
        """A subscription of an earlier version: order once followed the warehouse."""
        api.put(
            "exchanges", api.vhost, "warehouse.events", body={"type": "fanout", "durable": True}
        )
        api.put("queues", api.vhost, OLD, body={"durable": True, "arguments": names.QUORUM})
        api.call(
            "POST",
            "bindings",
            api.vhost,
            "e",
            "warehouse.events",
            "q",
            OLD,
            body={"routing_key": ""},
        )
        return api

    def test_it_asks_and_removes_what_is_empty(
        self,
        old: ManagementApi,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        monkeypatch.setattr("builtins.input", lambda _: "n")
        with pytest.raises(CommandError, match="Nothing was removed"):
            call_command("topology", prune=True)
        assert f"the queue {OLD}, with 0 messages" in capsys.readouterr().out
        assert old.get("queues", old.vhost, OLD)

        monkeypatch.setattr(leftovers, "COUNTED", 0.1)
        call_command("topology", prune=True, yes=True)

        assert old.get("queues", old.vhost, OLD) is None
        call_command("topology", check=True)

    def test_what_is_in_it_is_counted_and_stays(self, old: ManagementApi) -> None:
        with connected("deploy") as connection:
            channel = connection.channel()
            channel.confirm_select()
            channel.basic_publish(Message("{}"), exchange="warehouse.events", routing_key="")
            eventually(lambda: channel.queue_declare(OLD, passive=True).message_count == 1)
        eventually(
            lambda: (
                leftovers.leftovers(old, declared("order", ["inventory", "shipping"])).queues
                == {OLD: 1}
            )
        )

        with pytest.raises(CommandError, match="there are messages in these queues"):
            call_command("topology", prune=True, yes=True)
        assert old.get("queues", old.vhost, OLD)
        call_command("topology", prune=True, yes=True, force=True)
        assert old.get("queues", old.vhost, OLD) is None

    @pytest.mark.parametrize("pattern", ["^mine", r"^orders\.", "order.from", ".*"])
    def test_a_policy_that_topology_did_not_make_stays_and_is_named(
        self, old: ManagementApi, capsys: pytest.CaptureFixture[str], pattern: str
    ) -> None:
        """Whatever its name; one of an earlier version goes."""
        body = {"definition": {"max-length-bytes": 10**9}, "apply-to": "queues", "priority": 0}
        for name, of in (("order.mine", pattern), ("order.old", r"^order\.once$")):
            old.put("policies", old.vhost, name, body={**body, "pattern": of})
        try:
            call_command("topology", prune=True, yes=True, force=True)

            assert f"the policy order.mine for {pattern} stays" in capsys.readouterr().out
            assert old.get("policies", old.vhost, "order.mine")
            assert old.get("policies", old.vhost, "order.old") is None
        finally:
            old.call("DELETE", "policies", old.vhost, "order.mine")

    def test_without_it_nothing_is_removed(
        self, old: ManagementApi, capsys: pytest.CaptureFixture[str]
    ) -> None:
        call_command("topology")

        assert f"declared no more (--prune removes it): the queue {OLD}" in capsys.readouterr().err
        assert old.get("queues", old.vhost, OLD)
