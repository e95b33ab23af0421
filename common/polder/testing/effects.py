"""Effects, as they are left behind."""

from __future__ import annotations

from uuid_utils.compat import uuid7

from polder.effects.models import Intent


def an_effect() -> Intent:
    """One that waits."""
    return Intent.objects.create(
        effect="boil",
        key="k",
        body={"cups": 2},
        event_id=uuid7(),
        event_type="TeapotFilled",
        subject="k",
        correlation_id=uuid7(),
    )
