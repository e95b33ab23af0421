"""/livez and /readyz, with the inventory service's tables."""

from __future__ import annotations

from django.test import Client


def test_alive_and_ready(client: Client, db: None) -> None:
    assert client.get("/livez").status_code == 200
    assert client.get("/readyz").json() == {"status": "ready", "problems": []}
