"""What a message that cannot be read says of itself: to find it by, and to be believed by
nobody.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from pydantic_core import from_json

LONGEST = {"type": 100, "subject": 64}


def said_by(body: bytes) -> dict[str, Any]:
    """The columns of a parked message that it fills, as far as they would be stored; raises
    nothing."""
    try:
        said = from_json(body, allow_inf_nan=False)
    except (ValueError, RecursionError):
        return {}
    if not isinstance(said, dict):
        return {}
    texts = {name: said.get(name) for name in LONGEST}
    facts: dict[str, Any] = {
        name: text for name, text in texts.items() if _is_storable(text, LONGEST[name])
    }
    return facts | {
        "event_id": _uuid(said.get("id")),
        "correlation_id": _uuid(said.get("correlationid")),
    }


def _is_storable(text: object, longest: int) -> bool:
    return (
        isinstance(text, str) and len(text) <= longest and "\x00" not in text and text.isprintable()
    )


def _uuid(text: object) -> UUID | None:
    try:
        return UUID(text) if isinstance(text, str) else None
    except ValueError:
        return None
