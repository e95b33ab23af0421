"""Fixtures of the tests beside it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from polder.outbox import heartbeat
from polder.outbox import relay as relay_module
from polder.outbox import windows as windows_module
from tests.library.broker import (
    Auditor,
    connected,
    declare_all,
    management,
)
from tests.library.relay.running import QUEUE, Watched


@pytest.fixture(scope="package", autouse=True)
def _topology() -> Iterator[None]:
    declare_all()
    yield
    management().call("DELETE", *QUEUE, "contents")


@pytest.fixture(autouse=True)
def _no_heartbeats(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heartbeat, "EVERY", 3600.0)


@pytest.fixture
def auditor(committed: None) -> Iterator[Auditor]:
    with connected("deploy") as connection:
        yield Auditor(connection, "order.events")


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch) -> type[Watched]:
    monkeypatch.setattr(relay_module, "ConfirmedPublisher", Watched)
    monkeypatch.setattr(windows_module, "WINDOW", 50)
    monkeypatch.setattr(Watched, "made", [])
    monkeypatch.setattr(Watched, "windows", 0)
    return Watched
