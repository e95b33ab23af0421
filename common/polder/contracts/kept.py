"""What an upcast has to hand on: members that both versions have alike, whatever is around them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from polder.contracts.json_schema import Schema, without_null
from polder.contracts.shapes import bare

# of one member in each version, with the whole schema that it is in
Nodes = Sequence[tuple[Schema, Schema]]


def kept(nodes: Nodes, said: Any, lifted: Any, meant: Collection[str], path: str = "") -> Any:
    """`lifted`, with what all versions have alike as it was said; but for the members that are
    `meant` otherwise, by their paths."""
    nodes = [(without_null(node, root)[0], root) for node, root in nodes]
    if isinstance(said, dict) and isinstance(lifted, dict):
        members = [node.get("properties", {}) for node, _ in nodes]
        alike = [name for name in members[0] if all(name in one for one in members)]
        return lifted | {
            name: made
            for name in alike
            if (place := f"{path}.{name}" if path else name) not in meant
            for made in _member(
                [(one[name], root) for one, (_, root) in zip(members, nodes, strict=True)],
                said.get(name, ...),
                lifted.get(name, ...),
                meant,
                place,
            )
        }
    if isinstance(said, list) and isinstance(lifted, list) and len(said) == len(lifted):
        items = [(node.get("items", {}), root) for node, root in nodes]
        pairs = zip(said, lifted, strict=True)
        return [kept(items, one, other, meant, f"{path}[]") for one, other in pairs]
    return lifted


def _member(
    nodes: Nodes, said: Any, lifted: Any, meant: Collection[str], path: str
) -> Sequence[Any]:
    """It, or nothing where it may be as it is."""
    shapes = [bare(*one) for one in nodes]
    if said is ...:
        said = nodes[0][0].get("default", ...)
    is_alike = shapes.count(shapes[0]) == len(shapes)
    if said is ... or nodes[0][0].get("readOnly"):
        return ()
    if is_alike and not any(one.startswith((f"{path}.", f"{path}[")) for one in meant):
        return (said,)
    return () if lifted is ... else (kept(nodes, said, lifted, meant, path),)
