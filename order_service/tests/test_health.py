"""/livez and /readyz."""

from __future__ import annotations

import pytest
from django.db import connection, connections
from django.test import Client


def test_alive_and_ready(client: Client, db: None) -> None:
    assert client.get("/livez").json() == {"status": "alive"}
    ready = client.get("/readyz")
    assert (ready.status_code, ready.json()["status"], ready.json()["problems"]) == (
        200,
        "ready",
        [],
    )
    assert "no-cache" in ready["Cache-Control"]


def test_alive_without_a_database(client: Client) -> None:
    assert client.get("/livez").status_code == 200


@pytest.mark.parametrize("table", ["polder_outbox", "polder_ledger"])
def test_told_when_partitions_run_out(client: Client, db: None, table: str) -> None:
    # Given
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = %s::regclass",
            [table],
        )
        weeks = sorted(name for (name,) in cursor.fetchall() if "default" not in name)
        cursor.execute(f"DROP TABLE {', '.join(weeks[3:])}")

    # When
    response = client.get("/readyz")

    # Then
    assert (response.status_code, response.json()["problems"]) == (
        200,
        [f"partitions of {table} end within 3 days"],
    )


def test_not_ready_without_its_migrations(client: Client, db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'order'")

    response = client.get("/readyz")

    [problem] = response.json()["problems"]
    assert (response.status_code, problem.startswith("migrations: ")) == (503, True)


@pytest.mark.django_db(transaction=True)
def test_not_ready_without_its_database(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    connection.close()
    monkeypatch.setitem(connections["default"].settings_dict, "PORT", "1")

    response = client.get("/readyz")

    [problem] = response.json()["problems"]
    assert (response.status_code, problem.startswith("database: ")) == (503, True)


def test_the_index_of_the_api_needs_no_key(client: Client) -> None:
    index = client.get("/api/").json()

    assert index["service"] == "order"
    assert {"GET", "POST"} <= {call["method"] for call in index["calls"]}
    assert "/api/orders/{order_id}/" in [call["address"] for call in index["calls"]]
    assert all(call["what"] for call in index["calls"])
