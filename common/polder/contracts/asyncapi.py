"""One AsyncAPI 3 document of all that services tell each other: exchanges, queues and messages."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import yaml

from polder.contracts.event import CONTENT_TYPE
from polder.contracts.json_schema import Schema
from polder.contracts.published import Version

FORMAT = "application/schema+json;version=draft-2020-12"
_ABOUT = "What the services tell each other. Written by `manage.py <service> contracts export`."


def document(
    schemas: Mapping[Version, Schema],
    examples: Mapping[Version, Any],
    reads: Mapping[str, Any],
    title: str = "Events",
) -> str:
    """The document in YAML: for each publisher a channel, its exchange; for each pair of subscriber
    and publisher an operation that receives from the queue between them. Schemas are references to
    their files."""
    publishers = sorted({version.service for version in schemas})
    content = {
        "asyncapi": "3.0.0",
        "info": {"title": title, "version": "1", "description": _ABOUT},
        "defaultContentType": CONTENT_TYPE,
        "channels": {f"{service}.events": _channel(service, schemas) for service in publishers},
        "operations": {
            **{f"{service}.sends": _sends(service) for service in publishers},
            **{
                f"{subscriber}.receives.{service}": _receives(subscriber, service, reads)
                for subscriber in sorted(reads)
                for service in publishers
                if _replicas(reads[subscriber], service)
            },
        },
        "components": {
            "messages": {
                _id(version): _message(version, schemas[version], examples.get(version))
                for version in sorted(schemas)
            }
        },
    }
    return yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=100)


def _id(version: Version) -> str:
    return f"{version.service}.{version.event}.{version.number}"


def _channel(service: str, schemas: Mapping[Version, Schema]) -> dict[str, Any]:
    exchange = {"name": f"{service}.events", "type": "fanout", "durable": True, "autoDelete": False}
    return {
        "address": f"{service}.events",
        "description": f"The exchange of the {service} service; each subscriber has a queue at it.",
        "messages": {
            _id(version): {"$ref": f"#/components/messages/{_id(version)}"}
            for version in sorted(schemas)
            if version.service == service
        },
        "bindings": {"amqp": {"is": "routingKey", "exchange": exchange, "bindingVersion": "0.3.0"}},
    }


def _sends(service: str) -> dict[str, Any]:
    return {
        "action": "send",
        "channel": {"$ref": f"#/channels/{service}.events"},
        "summary": f"The {service} service tells what happened to its aggregates.",
        "bindings": {"amqp": {"deliveryMode": 2, "bindingVersion": "0.3.0"}},
    }


def _receives(subscriber: str, service: str, reads: Mapping[str, Any]) -> dict[str, Any]:
    replicas = _replicas(reads[subscriber], service)
    return {
        "action": "receive",
        "channel": {"$ref": f"#/channels/{service}.events"},
        "summary": f"The {subscriber} service keeps replicas of what it reads.",
        "description": f"From its queue {subscriber}.from.{service}.",
        "bindings": {"amqp": {"ack": True, "bindingVersion": "0.3.0"}},
        "x-reads": {
            one["of"]: sorted({str(path) for path in one["fields"].values()}) for one in replicas
        },
    }


def _replicas(reads: Mapping[str, Any], publisher: str) -> list[Mapping[str, Any]]:
    return [one for one in reads["replicas"] if one["of"].startswith(f"{publisher}.")]


def _message(version: Version, schema: Schema, example: Any) -> dict[str, Any]:
    found: dict[str, Any] = {
        "name": version.event,
        "title": f"{' '.join(re.findall(r'[A-Z][a-z0-9]*', version.event))}, {version.number}",
        "summary": schema.get("description", ""),
        "contentType": CONTENT_TYPE,
        "payload": {"schemaFormat": FORMAT, "schema": {"$ref": f"./{version.name}.json"}},
    }
    return found | ({"examples": [{"payload": example}]} if example else {})
