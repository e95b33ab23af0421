"""/livez and /readyz, with the inventory service's tables."""

from __future__ import annotations

from django.test import Client


def test_alive_and_ready(client: Client, db: None) -> None:
    assert client.get("/livez").status_code == 200
    ready = client.get("/readyz").json()
    assert (ready["status"], ready["problems"]) == ("ready", [])


def test_the_index_of_the_api_needs_no_key(client: Client) -> None:
    index = client.get("/api/").json()

    assert index["service"] == "inventory"
    assert {"GET", "POST"} <= {call["method"] for call in index["calls"]}
    assert "/api/products/{product_id}/" in [call["address"] for call in index["calls"]]
    assert all(call["what"] for call in index["calls"])
