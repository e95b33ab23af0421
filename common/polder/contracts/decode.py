"""From the bytes of a message to an event: lenient to fields it does not know, strict about those
it does."""

from __future__ import annotations

import re
from typing import Any, cast

from pydantic import ValidationError
from pydantic_core import from_json

from polder.contracts.event import Event
from polder.contracts.upcasts import lift
from polder.errors.origin import origin_of

# RFC 3339 has it; a datetime has not
_LEAP_SECOND = re.compile(r"(T\d\d:\d\d):60(\.\d+)?(?=Z|[+-])", re.IGNORECASE)
_SOURCE_AND_TYPE = re.compile(rb'"source":\s*"/([a-z]+)",\s*"type":\s*"([A-Za-z0-9]+)"')


class Unreadable(ValueError):
    """The message is no event that this code can read. `reason` is a stable word to group by,
    `str()` says more. `alike` is the same for all that this code fails to read for one cause; empty
    when the message alone is to blame."""

    def __init__(self, reason: str, detail: str, alike: str = "") -> None:
        super().__init__(detail)
        self.reason = reason
        self.alike = alike


def decode(body: bytes) -> Event:
    """The event in `body`, its `data` lifted to the version the code knows. Raises Unreadable, and
    nothing else."""
    try:
        return _decoded_at_once(body) or _decoded_step_by_step(body)
    except Unreadable:
        raise
    except Exception as error:  # a number of 5,000 digits cannot even be written down, for one
        raise Unreadable(
            "invalid", f"could not be read: {type(error).__name__}", origin_of(error)
        ) from error


def _decoded_at_once(body: bytes) -> Event | None:
    """The common case in one pass over the bytes: a known type in its present version, as our
    services encode it. None: look closer."""
    match = _SOURCE_AND_TYPE.search(body, 0, 500)
    event_class = Event.known.get((match[1].decode(), match[2].decode())) if match else None
    if event_class is None:
        return None
    try:
        event = event_class.model_validate_json(body, extra="ignore")
    except ValidationError:
        return None
    is_present = event.type == event_class.__name__ and event.dataschema == event_class.schema_name(
        event_class.schema_version
    )
    return event if is_present else None


def _decoded_step_by_step(body: bytes) -> Event:
    envelope = _envelope(body)
    source, kind = envelope.get("source"), str(envelope.get("type"))
    if not isinstance(source, str):
        raise Unreadable("invalid", "it names no source")
    event_class = Event.known.get((source.removeprefix("/"), kind))
    if event_class is None:
        if any(name == kind for _, name in Event.known):
            raise Unreadable("foreign", f"{source[:200]!r} publishes no {kind}")
        raise Unreadable(
            "unknown-type", f"no event type {kind[:200]!r} of {source[:200]!r} is known here"
        )
    if isinstance(time := envelope.get("time"), str):
        envelope["time"] = _LEAP_SECOND.sub(r"\1:59.999999", time)
    version = _schema_version(event_class, envelope.get("dataschema"))
    if version < event_class.schema_version:
        envelope = _lifted(envelope, event_class, version)
    try:
        return event_class.model_validate(envelope, extra="ignore")
    except ValidationError as error:
        raise Unreadable("invalid", summary(error), _alike(error)) from error


def _envelope(body: bytes) -> dict[str, Any]:
    try:
        envelope = from_json(body, allow_inf_nan=False)
    except (ValueError, RecursionError) as error:
        raise Unreadable("not-json", str(error)) from error
    if not isinstance(envelope, dict):
        raise Unreadable("not-an-event", f"expected a JSON object, got {type(envelope).__name__}")
    return cast("dict[str, Any]", envelope)


def _schema_version(event_class: type[Event], schema: object) -> int:
    name, _, version = str(schema).rpartition("/")
    if name != f"{event_class.service}/{event_class.__name__}" or not (
        version.isascii() and version.isdigit() and len(version) < 10
    ):
        raise Unreadable(
            "invalid",
            f"dataschema {str(schema)[:200]!r} is none of {event_class.schema_name(1)!r} and its "
            "later versions",
        )
    if int(version) > event_class.schema_version:
        raise Unreadable(
            "newer-version",
            f"{schema} is newer than version {event_class.schema_version}, the newest known here",
        )
    return int(version)


def _lifted(envelope: dict[str, Any], event_class: type[Event], version: int) -> dict[str, Any]:
    try:
        data = lift(event_class, envelope["data"], version=version)
    except Exception as error:
        raise Unreadable(
            "invalid", f"could not be lifted from version {version}: {error!r}", origin_of(error)
        ) from error
    return {**envelope, "data": data}


def summary(error: ValidationError) -> str:
    """Which members are wrong, and why; without their values."""
    problems = error.errors(include_url=False, include_input=False)
    places = ["".join(f"{part}." for part in problem["loc"])[:-1] for problem in problems]
    return "; ".join(
        f"{place}: {problem['msg']}" if place else str(problem["msg"])
        for place, problem in zip(places[:10], problems[:10], strict=True)
    )


def _alike(error: ValidationError) -> str:
    """Which members are wrong and in which way, without their values and positions in lists."""
    wrong = {
        f"{'.'.join(part for part in problem['loc'] if isinstance(part, str))} {problem['type']}"
        for problem in error.errors(include_url=False, include_input=False, include_context=False)
    }
    return ", ".join(sorted(wrong))[:200]
