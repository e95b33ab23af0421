"""Addresses of this service as a client sees them, and the ids in them."""

from __future__ import annotations

from django.urls import get_script_prefix, register_converter
from django.urls.converters import StringConverter, UUIDConverter


def address(path: str) -> str:
    """`/api/orders/` behind the prefix, if any, under which a proxy serves this service."""
    return get_script_prefix() + path.removeprefix("/")


class IdConverter(UUIDConverter):
    """A UUID in small letters or capitals; answers have it in small ones."""

    regex = "[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}"


class KeyConverter(StringConverter):
    """The key of a local copy, which its owner chose: whatever a contract's `Key` may be."""

    regex = "[^\x00]{1,64}"


class PartConverter(KeyConverter):
    """A key after which the address goes on; one with a slash in it has none."""

    regex = "[^/\x00]{1,64}"


register_converter(IdConverter, "id")
register_converter(PartConverter, "part")
register_converter(KeyConverter, "key")
