"""What spans say of a message, by OpenTelemetry's conventions for messaging and CloudEvents. Ids
and names, and nothing of what the event tells."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def of_message(operation: str, exchange: str, event: Mapping[str, Any]) -> dict[str, str | int]:
    return {
        "messaging.system": "rabbitmq",
        "messaging.operation.type": "send" if operation == "publish" else operation,
        "messaging.operation.name": operation,
        "messaging.destination.name": exchange,
        "messaging.message.id": str(event["id"]),
        "messaging.message.conversation_id": str(event["correlationid"]),
        "cloudevents.event_id": str(event["id"]),
        "cloudevents.event_source": str(event["source"]),
        "cloudevents.event_type": str(event["type"]),
        "cloudevents.event_subject": str(event["subject"]),
        "polder.aggregate_version": int(event["aggregateversion"]),
    }
