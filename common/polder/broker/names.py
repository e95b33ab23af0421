"""What things are called in RabbitMQ. Every name begins with the service that it belongs to, so
that permissions can be exact."""

from __future__ import annotations


def event_exchange(publisher: str) -> str:
    """Fanout: what happened in `publisher`."""
    return f"{publisher}.events"


def direct_exchange(publisher: str) -> str:
    """Direct: what `publisher` says to one other service (requests, snapshots, digests)."""
    return f"{publisher}.direct"


def event_queue(subscriber: str, publisher: str) -> str:
    return f"{subscriber}.from.{publisher}"


def dead_letter_exchange(subscriber: str) -> str:
    return f"{subscriber}.dead"


def dead_letter_queue(subscriber: str) -> str:
    return f"{subscriber}.dead"


def request_queue(service: str) -> str:
    """What other services ask of this one."""
    return f"{service}.requests"


def answer_queue(service: str) -> str:
    """What other services answered this one."""
    return f"{service}.answers"


# routing key at a direct exchange: the requests' queues of all that subscribe to its service
EVERY_SUBSCRIBER = "subscribers"
# and the event queues of all that subscribe to its service
HEARTBEATS = "heartbeats"


def publisher_or_nobody(queue: str) -> str:
    """`inventory.from.order` -> `order`; "" for a queue that no publisher's events come by."""
    return queue.partition(".from.")[2]


# the one argument of every queue: in a cluster it has a member on each of three nodes
QUORUM = {"x-queue-type": "quorum"}


def celery_exchange(service: str) -> str:
    """Celery's own tasks of this service: housekeeping only, never events."""
    return f"{service}.celery.tasks"


def housekeeping_queue(service: str) -> str:
    return f"{service}.celery.housekeeping"


def worker_event_exchange(service: str) -> str:
    """What this service's workers tell Flower."""
    return f"{service}.celery.events"


# the workers' event exchanges of all services are bound to it
FLOWER_EXCHANGE = "flower.celery.events"
FLOWER_USER = "flower"
