"""What all services declare together."""

from __future__ import annotations

from polder.broker import names

SERVICES = ("order", "inventory", "shipping")
QUEUES = [
    name
    for service in SERVICES
    for name in (
        *(names.event_queue(service, other) for other in SERVICES if other != service),
        names.dead_letter_queue(service),
        names.request_queue(service),
        names.answer_queue(service),
        names.housekeeping_queue(service),
    )
]
