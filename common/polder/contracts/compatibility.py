"""What a change of a contract breaks, within one version of it.

Two readers have to be served. Subscribers that still run the old code read what the new code
writes; the new code reads what the old code wrote and what waits: in queues, in outboxes, among
parked events. A reader is strict about the members that it knows and passes over others. Hence a
value may neither become less than it was nor more, and only a member that has a default may come.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import Any, NamedTuple

from polder.contracts.json_schema import (
    ABOVE,
    STEP,
    TIME_ZONE,
    TRIED,
    Schema,
    resolved,
    without_null,
)
from polder.contracts.shapes import CONSTRAINTS, bare, choices_of, types_of

# the schemas inside one, and how a path goes on into them
INSIDE = {"items": "[]", "additionalProperties": ".*", "propertyNames": ".*"}
_LOWER = {"minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties"}
NUMBERS = ("integer", "number")
_UPPER = {"maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties"}


class Breaks(StrEnum):
    """Whom."""

    OLD_READERS = "subscribers that run the old code cannot read what the new code writes"
    NEW_READERS = (
        "the new code cannot read what the old code wrote and what waits in queues, outboxes and "
        "parked events"
    )
    BOTH = f"{OLD_READERS}, and {NEW_READERS}"
    MEANING = "what was written without it means something else to the new code than it did"


class Change(NamedTuple):
    """One change that breaks somebody. `path` is of the member, as in JSON."""

    path: str
    rule: str
    what: str
    breaks: Breaks


def changes(before: Schema, now: Schema) -> Iterator[Change]:
    """What breaks between two schemas of the same version; nothing when everybody can read."""
    yield from _Comparison(before, now).of("", before, now)


def lost_nulls(root: Schema) -> Iterator[tuple[str, str]]:
    """Members that may be null and do not have null as their default, each with the default that
    they have, if any."""
    nodes = {"": root} | {f"{name}: ": node for name, node in root.get("$defs", {}).items()}
    nodes["data."] = root["properties"]["data"]
    for before, node in nodes.items():
        for name, member in node.get("properties", {}).items():
            if without_null(member, root)[1] and (
                name in node.get("required", []) or member.get("default") is not None
            ):
                yield f"{before}{name}", repr(member["default"]) if "default" in member else ""


class _Comparison:
    def __init__(self, before: Schema, now: Schema) -> None:
        self.before, self.now = before, now
        self._under_way: set[tuple[str, str]] = set()

    def of(self, path: str, before: Schema, now: Schema) -> Iterator[Change]:
        """A reference that leads back to where it was met is compared there."""
        old, was_nullable = without_null(before, self.before)
        new, is_nullable = without_null(now, self.now)
        if was_nullable != is_nullable:
            yield Change(
                path,
                "nullability",
                "may be null" if is_nullable else "may not be null any more",
                Breaks.OLD_READERS if is_nullable else Breaks.NEW_READERS,
            )
        pair = _reference(before), _reference(now)
        if all(pair) and pair in self._under_way:
            return
        self._under_way.add(pair)
        yield from self._values(path, old, new)
        self._under_way.discard(pair)

    def _values(self, path: str, old: Schema, new: Schema) -> Iterator[Change]:
        """Of what is not null."""
        took, takes = choices_of(old), choices_of(new)
        if len(took) > 1 or len(takes) > 1:
            yield from self._unions(path, took, takes)
        elif old.get("type") != new.get("type"):
            yield self._type_change(path, [old], [new], [old], [new])
        else:
            yield from self._one(path, old, new)

    def _one(self, path: str, old: Schema, new: Schema) -> Iterator[Change]:
        """Two of one type."""
        yield from _enum_changes(path, old, new)
        yield from self._constraint_changes(path, old, new)
        if "properties" in old or "properties" in new:
            yield from self._members(path, old, new)
        for inner, mark in INSIDE.items():
            if isinstance(old.get(inner), dict) and isinstance(new.get(inner), dict):
                yield from self.of(f"{path}{mark}", old[inner], new[inner])
        yield from self._places(path, old.get("prefixItems", []), new.get("prefixItems", []))

    def _places(self, path: str, was: list[Schema], now: list[Schema]) -> Iterator[Change]:
        """Of a list where each place has a type of its own; how many it has is a bound."""
        for old, new in zip(was, now, strict=False):
            yield from self.of(f"{path}[]", old, new)

    def _unions(self, path: str, took: list[Schema], takes: list[Schema]) -> Iterator[Change]:
        """What is one choice before and now is compared; the others came or went."""
        lost, won = [], list(takes)
        pairs = []
        for old in took:
            if (new := self._counterpart(old, won)) is None:
                lost.append(old)
            else:
                won.remove(new)
                pairs.append((old, new))
        if lost or won:
            yield self._type_change(path, took, takes, lost, won)
        for old, new in pairs:
            yield from self.of(path, old, new)

    def _counterpart(self, old: Schema, choices: list[Schema]) -> Schema | None:
        """The choice that takes the same; else the one of its name; else the only one of its
        type."""
        shape = bare(old, self.before)
        for new in choices:
            if bare(new, self.now) == shape:
                return new
        alike = [one for one in choices if "$ref" in old and one.get("$ref") == old["$ref"]]
        kind = resolved(old, self.before).get("type")
        alike = alike or [one for one in choices if resolved(one, self.now).get("type") == kind]
        return alike[0] if len(alike) == 1 else None

    def _type_change(
        self,
        path: str,
        took: list[Schema],
        takes: list[Schema],
        lost: list[Schema],
        won: list[Schema],
    ) -> Change:
        was, now = types_of(took), types_of(takes)
        what = f"was {was}, is {now}"
        if not lost or {} in (bare(one, self.now) for one in won) or (was, now) == NUMBERS:
            return Change(path, "type widened", what, Breaks.OLD_READERS)
        if not won or {} in (bare(one, self.before) for one in lost) or (now, was) == NUMBERS:
            return Change(path, "type narrowed", what, Breaks.NEW_READERS)
        return Change(path, "type changed", what, Breaks.BOTH)

    def _members(self, path: str, old: Schema, new: Schema) -> Iterator[Change]:
        was, now = old.get("properties", {}), new.get("properties", {})
        needed, needs = set(old.get("required", [])), set(new.get("required", []))
        come = [name for name in now if name not in was]
        for name in was:
            place = f"{path}.{name}" if path else name
            if name not in now:
                renamed = self._renamed(was[name], now, come)
                yield _gone(place, renamed, is_needed=name in needed)
                come = [one for one in come if one != renamed]
                continue
            yield from self.of(place, was[name], now[name])
            if name in needs and name not in needed:
                yield Change(place, "made required", "had a default", Breaks.NEW_READERS)
            elif name not in needed and name not in needs:
                yield from self._default_change(place, was[name], now[name])
        for name in come:
            place = f"{path}.{name}" if path else name
            if now[name].get("readOnly"):
                continue  # what is computed nobody reads
            if name in needs:
                what = "is new and has no default"
                yield Change(place, "made required", what, Breaks.NEW_READERS)
            elif "default" not in now[name]:
                what = "is new, and left out it means something else at each reading"
                yield Change(place, "default", what, Breaks.MEANING)

    def _default_change(self, path: str, before: Schema, now: Schema) -> Iterator[Change]:
        if "default" in before and "default" not in now:
            what = f"left out, it meant {_said(before['default'])}, and now what no schema tells"
            yield Change(path, "default", what, Breaks.MEANING)
            return
        old, new = before.get("default"), now.get("default")
        if old != new:
            what = f"left out, it meant {_said(old)} and now means {_said(new)}"
            yield Change(path, "default", what, Breaks.MEANING)

    def _renamed(self, gone: Schema, now: dict[str, Schema], come: list[str]) -> str:
        """Which new member the old one has become: the only one of the same shape, if there is
        one."""
        shape = bare(gone, self.before)
        alike = [name for name in come if bare(now[name], self.now) == shape]
        return alike[0] if len(alike) == 1 else ""

    def _constraint_changes(self, path: str, old: Schema, new: Schema) -> Iterator[Change]:
        if self.before.get(TRIED, 0) < 3 and old.get("format") == "decimal":
            old = _decimal(old, new)
        for word in sorted((old.keys() | new.keys()) & CONSTRAINTS):
            was, now = old.get(word), new.get(word)
            if was is None and (word == TIME_ZONE or (word == STEP and TRIED not in self.before)):
                continue  # published before it was told
            if word in INSIDE and isinstance(was, dict) and isinstance(now, dict):
                continue
            took = bare({word: was} if word in old else {}, self.before)
            if took != bare({word: now} if word in new else {}, self.now):
                yield _constraint_change(path, word, was, now)


def _decimal(old: Schema, new: Schema) -> Schema:
    """One that was published before it was told that it is above 0, or below 1, as it would be
    now."""
    pattern = str(old.get("pattern", ""))
    if r"\d{1,0}" in pattern:
        pattern = pattern.replace(r"\d{1,0}(", "0").replace(")?$", "$")
    above = new.get(ABOVE, "-1")
    if float(above) >= 0 and old.get(ABOVE, "0") == above:
        return {**old, ABOVE: above, "pattern": pattern.replace("^-?", "^")}
    return {**old, "pattern": pattern}


def _gone(path: str, renamed: str, *, is_needed: bool) -> Change:
    """Who reads it and has a default for it goes on, with something that nobody said."""
    rule, what = ("renamed", f"is now {renamed}") if renamed else ("removed", "is no longer said")
    breaks = Breaks.OLD_READERS if is_needed else Breaks.MEANING
    if breaks is Breaks.MEANING:
        what += "; the old code takes its default for what was said"
    return Change(path, rule, what, breaks)


def _reference(node: Schema) -> str:
    """To one type, which may be null as well."""
    named = [str(one.get("$ref", "")) for one in choices_of(node) if one.get("type") != "null"]
    return named[0] if len(named) == 1 else ""


def _enum_changes(path: str, old: Schema, new: Schema) -> Iterator[Change]:
    was, now = _choices(old), _choices(new)
    if was == now:
        return
    if was is None or now is None:
        rule = "enum narrowed" if was is None else "enum widened"
        breaks = Breaks.NEW_READERS if was is None else Breaks.OLD_READERS
        what = f"takes {'only ' + _said(now) if now is not None else 'any value'}"
        yield Change(path, rule, what, breaks)
        return
    if lost := [one for one in was if one not in now]:
        yield Change(path, "enum narrowed", f"no longer takes {_said(lost)}", Breaks.NEW_READERS)
    if won := [one for one in now if one not in was]:
        yield Change(path, "enum widened", f"may now be {_said(won)}", Breaks.OLD_READERS)


def _choices(node: Schema) -> list[Any] | None:
    if "const" in node:
        return [node["const"]]
    found = node.get("enum")
    return sorted(found, key=str) if found is not None else None


def _constraint_change(path: str, word: str, was: Any, now: Any) -> Change:
    what = f"{word} was {_said(was)}, is {_said(now)}"
    bound = word.removeprefix("x-")
    if was is None or now is None:
        breaks = Breaks.NEW_READERS if was is None else Breaks.OLD_READERS
        rule = "narrowed" if was is None else "widened"
    elif bound in _LOWER | _UPPER:
        is_narrower = (float(now) > float(was)) == (bound in _LOWER)
        breaks = Breaks.NEW_READERS if is_narrower else Breaks.OLD_READERS
        rule = "narrowed" if is_narrower else "widened"
    elif word == TIME_ZONE and "any" in (was, now):
        breaks = Breaks.NEW_READERS if was == "any" else Breaks.OLD_READERS
        rule = "narrowed" if was == "any" else "widened"
    else:
        breaks, rule = Breaks.BOTH, "type changed"
    return Change(path, word if word in ("format", "pattern") else rule, what, breaks)


def _said(value: Any) -> str:
    if isinstance(value, list) and value:
        return ", ".join(str(one) for one in value)
    return "nothing" if value is None else repr(value)
