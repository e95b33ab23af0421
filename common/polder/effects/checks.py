"""Effects that would never happen, found before a service starts."""

from __future__ import annotations

from typing import Any

from django.core.checks import Error, register

from polder import this_service
from polder.effects.declared import effects


@register()
def effects_follow_from_what_is_heard(**_: Any) -> list[Error]:
    """Each is on an event that this service publishes or hears of."""
    heard = {this_service.name(), *this_service.subscribes_to()}
    return [
        Error(
            f"The effect {one.name} is on {one.on.__name__} of {one.on.service}, of which this "
            "service hears nothing.",
            hint="Keep a replica of what the event is about: whom a service hears follows from "
            "its replicas.",
            id="polder.E025",
        )
        for one in effects.values()
        if one.on.service not in heard
    ]
