"""What values a schema takes, whatever is said about them."""

from __future__ import annotations

from typing import Any

from polder.contracts.json_schema import EXCEPTIONS, TRIED, Schema, resolved

# what describes a value and does not decide whether one is accepted
ANNOTATIONS = {
    *("title", "description", "examples", "default", "deprecated", "readOnly", "$id", "$schema"),
    "discriminator",  # the choices say it, too
    *(EXCEPTIONS, TRIED),  # what the code does with them is tried
}
CHOICES = ("anyOf", "oneOf")


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
        if key not in ANNOTATIONS
    }


def _bare(word: str, about: Any, root: Schema, within: tuple[str, ...]) -> Any:
    if word in ("properties", "patternProperties"):
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
