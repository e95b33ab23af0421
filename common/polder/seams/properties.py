"""The properties of a message, whatever their publisher has written into them.

py-amqp raises at a text that is no UTF-8, at a time beyond the year 9999 (milliseconds where AMQP
has seconds) and at tables in tables without end. That would end the worker, and the next one, for
the broker delivers the message again. So what it cannot read is read here.
"""

from __future__ import annotations

from struct import calcsize, error, unpack_from
from typing import Any

from amqp.serialization import PROPERTY_CLASSES, decode_properties_basic
from amqp.spec import Basic

# types of a fixed size, as RabbitMQ has them: https://www.rabbitmq.com/amqp-0-9-1-errata#section_3
_FIXED = dict(zip("tbBsUuIilLfdT", "?bBhhHiIqqfdQ", strict=True)) | {"D": "5s"}
_OF_ANY_SIZE = "FASxV"
_PROPERTIES = (
    *(("content_type", "s"), ("content_encoding", "s"), ("application_headers", "F")),
    *(("delivery_mode", "B"), ("priority", "B"), ("correlation_id", "s"), ("reply_to", "s")),
    *(("expiration", "s"), ("message_id", "s"), ("timestamp", "T"), ("type", "s")),
    *(("user_id", "s"), ("app_id", "s"), ("cluster_id", "s")),
)
_DEEPEST = 8  # tables in tables; the broker's own are two


def take_any() -> None:
    """From now on every message of this process is read so. May run twice."""
    PROPERTY_CLASSES[Basic.CLASS_ID] = _decode


def _decode(buffer: Any, offset: int) -> tuple[dict[str, Any], int]:
    try:
        return decode_properties_basic(buffer, offset)  # type: ignore[no-any-return]
    except Exception:
        return _properties(bytes(buffer), offset)


def _properties(buffer: bytes, at: int) -> tuple[dict[str, Any], int]:
    """As many as can be read."""
    found: dict[str, Any] = {}
    try:
        (flags,) = unpack_from(">H", buffer, at)
        at += 2
        for place, (name, kind) in enumerate(_PROPERTIES):
            if flags & 0x8000 >> place:
                if kind == "s":
                    found[name], at = _short_text(buffer, at)
                else:
                    found[name], at = _value(kind, buffer, at, 0)
    except (error, KeyError, IndexError):
        pass
    return found, at


def _short_text(buffer: bytes, at: int) -> tuple[str, int]:
    end = at + 1 + buffer[at]
    return _text(buffer[at + 1 : end]), end


def _text(written: bytes) -> str:
    return written.decode(errors="replace")


def _value(kind: str, buffer: bytes, at: int, depth: int) -> tuple[Any, int]:
    """The value, and where the next one begins. Raises struct.error, KeyError or IndexError."""
    if kind not in _OF_ANY_SIZE and kind not in _FIXED:
        raise KeyError(kind)
    if kind == "V":
        return None, at
    if kind in _FIXED:
        layout = ">" + _FIXED[kind]
        return unpack_from(layout, buffer, at)[0], at + calcsize(layout)
    (length,) = unpack_from(">I", buffer, at)
    begin, end = at + 4, at + 4 + length
    if kind in "FA":
        return _several(kind, buffer[:end], begin, depth), end
    return _text(buffer[begin:end]), end  # also bytes ("x"), which nobody of us reads


def _several(kind: str, buffer: bytes, at: int, depth: int) -> dict[str, Any] | list[Any] | None:
    """A table or an array up to the buffer's end, or to what is of no known type."""
    if depth > _DEEPEST:
        return None
    table: dict[str, Any] = {}
    array: list[Any] = []
    try:
        while at < len(buffer):
            name = ""
            if kind == "F":
                name, at = _short_text(buffer, at)
            value, at = _value(chr(buffer[at]), buffer, at + 1, depth + 1)
            table[name] = value
            array.append(value)
    except (error, KeyError, IndexError):
        pass
    return table if kind == "F" else array
