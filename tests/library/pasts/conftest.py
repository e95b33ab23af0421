"""What the services say to each other about their pasts."""

from __future__ import annotations

import pytest

from polder.direct.messages import Message
from polder.pasts import hears, owner


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Message]]:
    """What is said to other services, by routing key; nothing goes to a broker."""
    heard: list[tuple[str, Message]] = []

    def say(routing_key: str, messages: list[Message]) -> bool:
        heard.extend((routing_key, message) for message in messages)
        return True

    monkeypatch.setattr(owner, "say", say)
    monkeypatch.setattr(hears, "say", say)
    monkeypatch.setattr(hears, "waiting_in", lambda queues: 3)
    return heard
