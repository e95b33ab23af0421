"""The pictures of who hears whom, from the contracts in schemas/."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from deploy.local.services import SERVICES

SCHEMAS = Path(__file__).resolve().parents[1] / "schemas"


def services_and_queues() -> str:
    """In short: each service, its exchange, and the queues that hang on it."""
    lines = [
        f"    {service}[{service.capitalize()} service<br>web, worker, relay<br>own PostgreSQL] "
        f"--> {_exchange(service)}"
        for service in SERVICES
    ]
    for publisher in SERVICES:
        if queues := [f"{name}([{name}])" for name in _queues(publisher)]:
            lines.append(f"    {publisher}.events --> {' & '.join(queues)}")
    return "\n".join(["```mermaid", "flowchart LR", *lines, "```"])


def the_whole() -> str:
    """With what each process does."""
    return "\n".join(
        [
            "```mermaid",
            "flowchart TB",
            *(line for service in SERVICES for line in _service(service)),
            "    subgraph rabbitmq[RabbitMQ: a fanout exchange for each publisher, a quorum queue "
            "for each subscriber and publisher]",
            "        direction LR",
            *(f"        {_exchange(publisher)}" for publisher in SERVICES),
            *(
                f"        {publisher}.events --> {name}([{name}])"
                for publisher in SERVICES
                for name in _queues(publisher)
            ),
            "    end",
            *(f"    {service} -- relay --> {service}.events" for service in SERVICES),
            f'    rabbitmq -- "each worker reads the queues of its service" --> '
            f"{' & '.join(SERVICES)}",
            "```",
        ]
    )


def _service(service: str) -> Iterator[str]:
    own = ", ".join(name.capitalize() for name in _owned(service))
    copies = ", ".join(of.partition(".")[2].capitalize() for of in _reads(service))
    yield f"    subgraph {service}[{service.capitalize()} service]"
    yield "        direction LR"
    held = f"own PostgreSQL:<br>{own};<br>copies of {copies}" if copies else own
    yield f"        {service}-web[web] --> {service}-db[({held})]"
    yield f"        {service}-worker[worker] --> {service}-db"
    yield f"        {service}-db --> {service}-relay[relay]"
    yield "    end"


def _exchange(service: str) -> str:
    return f"{service}.events{{{{{service}.events}}}}"


def _queues(publisher: str) -> list[str]:
    heard_by = [
        service
        for service in SERVICES
        if any(of.startswith(f"{publisher}.") for of in _reads(service))
    ]
    return [f"{service}.from.{publisher}" for service in heard_by]


@cache
def _reads(service: str) -> tuple[str, ...]:
    """The aggregates that it keeps copies of."""
    found = json.loads((SCHEMAS / service / "reads.json").read_text())
    return tuple(reads["of"] for reads in found["replicas"])


@cache
def _owned(service: str) -> tuple[str, ...]:
    examples = sorted((SCHEMAS / service).glob("*/*.example.json"))
    return tuple(sorted({json.loads(path.read_text())["aggregatetype"] for path in examples}))
