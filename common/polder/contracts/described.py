"""A JSON Schema in a few words."""

from __future__ import annotations

from polder.contracts.json_schema import Schema, without_null

_FORMATS = {
    "uuid": "UUID",
    "date-time": "time, RFC 3339",
    "date": "date",
    "decimal": "decimal number as text",
}


def type_of(node: Schema, root: Schema) -> str:
    """`text, at most 500 characters`, `whole number from 1`, `list of objects`."""
    if "const" in node:
        return f"always “{node['const']}”"
    if "enum" in node:
        return f"one of {', '.join(str(one) for one in node['enum'])}"
    if "anyOf" in node:
        return " or ".join(type_of(without_null(one, root)[0], root) for one in node["anyOf"])
    kind = str(node.get("type", "anything"))
    if kind == "array":
        items = type_of(without_null(node.get("items", {}), root)[0], root)
        return "list of objects" if items == "object" else f"list, each {items}"
    if kind in ("integer", "number"):
        return ("whole number" if kind == "integer" else "number") + _range(node)
    if kind == "string":
        return _FORMATS.get(str(node.get("format"))) or f"text{_length(node)}"
    return {"boolean": "true or false"}.get(kind, kind)


def _range(node: Schema) -> str:
    """Bounds of the storage say nothing to people."""
    return f" from {node['minimum']}" if "minimum" in node else ""


def _length(node: Schema) -> str:
    if "pattern" in node:
        return f" like {node['pattern']}"
    return f", at most {node['maxLength']} characters" if "maxLength" in node else ""
