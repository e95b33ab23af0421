"""What values a schema takes, whatever is said about them."""

from __future__ import annotations

from typing import Any

from polder.contracts.json_schema import STEP, TIME_ZONE, Schema, resolved

CHOICES = ("anyOf", "oneOf")
BOUNDS = {"minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum"}
# what decides whether a value is accepted, but for what is compared as a whole; anything else
# describes one
CONSTRAINTS = {
    *("format", "pattern", "minLength", "maxLength", *BOUNDS, "multipleOf"),
    *("items", "minItems", "maxItems", "uniqueItems", "contains", "minContains", "maxContains"),
    *("additionalProperties", "propertyNames", "patternProperties", "minProperties"),
    *("maxProperties", "dependentRequired", "dependentSchemas"),
    *("unevaluatedItems", "unevaluatedProperties", "allOf", "not", "if", "then", "else"),
    *(STEP, TIME_ZONE, *(f"x-{bound}" for bound in BOUNDS)),
}
_WHOLE = {"type", "const", "enum", "properties", "required", "prefixItems", *CHOICES}


def bare(node: Any, root: Schema, within: tuple[str, ...] = ()) -> Any:
    """What values it takes, without what is said about them and however its types are called."""
    if isinstance(node, list):
        return [bare(one, root, within) for one in node]
    if not isinstance(node, dict):
        return node
    if (name := str(node.get("$ref", ""))) in within:
        return {"again": within.index(name)}
    plain, inside = resolved(node, root), (*within, *([name] if name else []))
    return {
        key: _bare(key, about, root, inside)
        for key, about in plain.items()
        if key in CONSTRAINTS | _WHOLE
    }


def _bare(word: str, about: Any, root: Schema, within: tuple[str, ...]) -> Any:
    if word in ("properties", "patternProperties", "dependentSchemas", "dependentRequired"):
        return {name: bare(one, root, within) for name, one in about.items()}
    return sorted(about, key=str) if word in ("required", "enum") else bare(about, root, within)


def choices_of(node: Schema) -> list[Schema]:
    """Of a union; of anything else itself."""
    return next((node[word] for word in CHOICES if word in node), [node])


def types_of(choices: list[Schema]) -> str:
    """By their names, for people."""
    return " or ".join(
        str(one.get("type", one.get("$ref", "anything"))).rpartition("/")[2] for one in choices
    )
