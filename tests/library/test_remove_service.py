"""`manage.py remove-service billing --data`, where the code of billing is gone and a shop runs that
still has all of it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from deploy.local.environment import VHOST
from deploy.local.ports import Ports
from deploy.local.services import SERVICES
from deploy.local.stack import Stack
from polder.broker.management_api import ManagementApi
from tests.temporary import temporary_folder
from tools.new_service import kept
from tools.new_service.command import main

KEPT = """\
The shop that runs here has of billing:
    the database polder_billing, rows: billing_billing 2
    the roles billing_app, billing_ddl
    the queue billing.from.order, messages: 0
    the exchanges billing.events
    the policies billing.queues
    the users of RabbitMQ billing
"""


@pytest.fixture
def stack(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stack]:
    services = (*SERVICES, "billing")
    with temporary_folder("removed") as folder:
        stack = Stack(folder / "run", Ports.free(services), services)
        stack.start_servers()
        monkeypatch.setattr(kept, "RUN", stack.run.root)
        try:
            _leave(stack)
            yield stack
        finally:
            stack.stop(patient=False)


def _leave(stack: Stack) -> None:
    """What a service leaves behind, and a neighbour whose name begins like its own."""
    with stack.postgres.connect("polder_billing") as database:
        database.execute("CREATE TABLE billing_billing AS SELECT generate_series(1, 2)")
        database.execute("CREATE TABLE replica_order (key text)")
    api = ManagementApi(stack.environment.of_stack()["RABBITMQ_MANAGEMENT_URL"], VHOST)
    for name in ("billing", "billings"):
        api.put("queues", VHOST, f"{name}.from.order", body={"durable": True})
        api.put("users", name, body={"password": "p", "tags": ""})
    api.put("exchanges", VHOST, "billing.events", body={"type": "fanout", "durable": True})
    policy = {"pattern": "^billing", "definition": {"max-length": 9}, "apply-to": "queues"}
    api.put("policies", VHOST, "billing.queues", body=policy)


@pytest.mark.long
def test_it_is_counted_and_deleted(
    stack: Stack, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # When somebody says no
    monkeypatch.setattr("builtins.input", lambda _: "n")
    assert main("remove-service", ["billing", "--data"]) == 0

    # Then it stays
    assert capsys.readouterr().out.startswith(KEPT)
    assert isinstance(found := kept.kept("billing"), kept.Kept)
    assert found

    # And after a yes it is gone, and nothing else
    assert main("remove-service", ["billing", "--data", "--yes"]) == 0
    assert capsys.readouterr().out == f"{KEPT}What the shop kept of billing is deleted.\n"
    assert not kept.kept("billing")
    assert isinstance(neighbour := kept.kept("billings"), kept.Kept)
    assert (neighbour.messages, neighbour.users) == ({"billings.from.order": 0}, ["billings"])
    assert main("remove-service", ["billing", "--data", "--yes"]) == 1
    assert "no shop that runs here keeps anything of it" in capsys.readouterr().err

    # And of a shop that is down nobody can say
    stack.stop(patient=False)
    assert main("remove-service", ["billing", "--data", "--yes"]) == 1
    assert "manage.py remove-service billing --data" in capsys.readouterr().err
