"""Which direction a change of one member breaks, by schemas as they are written."""

from __future__ import annotations

from typing import Any

import pytest

from polder.contracts.compatibility import Breaks, changes

TEXT, WHOLE = {"type": "string"}, {"type": "integer"}
OLD, NEW, BOTH = Breaks.OLD_READERS, Breaks.NEW_READERS, Breaks.BOTH


def of(member: Any, *, required: bool = True) -> dict[str, Any]:
    properties = {} if member is None else {"f": member}
    return {"type": "object", "properties": properties, "required": ["f"] if required else []}


@pytest.mark.parametrize(
    ("before", "now", "rule", "breaks"),
    [
        (WHOLE, {"type": "number"}, "type widened", OLD),
        ({"type": "number"}, WHOLE, "type narrowed", NEW),
        (TEXT, WHOLE, "type changed", BOTH),
        (TEXT, {"anyOf": [TEXT, WHOLE]}, "type widened", OLD),
        ({"anyOf": [TEXT, WHOLE]}, TEXT, "type narrowed", NEW),
        (TEXT, {}, "type widened", OLD),
        ({**TEXT, "enum": ["a", "b"]}, {**TEXT, "const": "a"}, "enum narrowed", NEW),
        ({**TEXT, "const": "a"}, {**TEXT, "enum": ["a", "b"]}, "enum widened", OLD),
        ({**TEXT, "enum": ["a"]}, TEXT, "enum widened", OLD),
        ({**TEXT, "format": "uuid"}, TEXT, "format", OLD),
        ({**TEXT, "format": "date"}, {**TEXT, "format": "date-time"}, "format", BOTH),
        ({**TEXT, "maxLength": 5}, {**TEXT, "maxLength": 4}, "narrowed", NEW),
        ({**TEXT, "maxLength": 5}, TEXT, "widened", OLD),
        ({**WHOLE, "minimum": 1}, {**WHOLE, "minimum": 0}, "widened", OLD),
        (WHOLE, {**WHOLE, "minimum": 0}, "narrowed", NEW),
        (WHOLE, {"anyOf": [WHOLE, {"type": "null"}]}, "nullability", OLD),
        ({"anyOf": [WHOLE, {"type": "null"}]}, WHOLE, "nullability", NEW),
        ({"type": "array", "items": TEXT}, {"type": "array", "items": WHOLE}, "type changed", BOTH),
        (TEXT, None, "removed", OLD),
    ],
)
def test_whom_it_breaks(before: Any, now: Any, rule: str, breaks: Breaks) -> None:
    found = list(changes(of(before), of(now, required=now is not None)))

    assert [(one.rule, one.breaks) for one in found] == [(rule, breaks)]


@pytest.mark.parametrize(
    ("before", "now"),
    [
        (of(TEXT), of({**TEXT, "description": "x", "examples": ["a"]})),
        (of(TEXT), of({**TEXT, "$comment": "x", "x-pii": True, "x-unit": "g"})),
        (of({"anyOf": [TEXT, WHOLE]}), of({"anyOf": [WHOLE, {**TEXT, "x-pii": True}]})),
        (of({"anyOf": [TEXT, WHOLE]}), of({"anyOf": [WHOLE, TEXT]})),
        (of(None, required=False), of({**TEXT, "default": "a"}, required=False)),
        (of(TEXT), of({**TEXT, "default": "a"}, required=False)),
    ],
    ids=[
        "a text about it",
        "words of its own",
        "words of its own in a choice",
        "another order",
        "it comes with a default",
        "a default comes",
    ],
)
def test_nobody_is_hurt(before: Any, now: Any) -> None:
    assert list(changes(before, now)) == []


def test_a_state_that_holds_itself() -> None:
    node = {"type": "object", "properties": {"inner": {"$ref": "#/$defs/Node"}}}
    root = {**of({"$ref": "#/$defs/Node"}), "$defs": {"Node": node}}

    assert list(changes(root, root)) == []
