"""A story as lines to read in a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from uuid import UUID

from polder.observability.timeline.story import CarriedOut, Entry, Receipt, Story, Told
from polder.plural import plural
from polder.span import span


def lines_of(story: Story) -> Iterator[str]:
    """How it stands, what it waits for, what is missing, then event by event."""
    for one in story.here:
        what = "owned" if one.owned else "replica"
        status = f" {one.status}," if one.status else ""
        yield f"{one.service:<10} {what:<8} {one.aggregate}:{status} version {one.version}"
    for title, told in (("waits", story.waits), ("GAP", story.gaps), ("parked", story.unread)):
        for one_told in told:
            yield f"{one_told.service:<10} {title}: {sentence(one_told, story.at)}"
    for silent in story.silent:
        yield f"{silent.service:<10} did not answer: {silent.what}"
    if story.entries:
        yield ""
    names = {one.event_id: one.type for one in story.entries}
    for entry in story.entries:
        yield from _of_entry(entry, names)
    if story.is_cut:
        yield "... and more, which is older"


def sentence(told: Told, now: datetime) -> str:
    return f"{told.what} (for {span(now - told.since)})" if told.since else told.what


def _of_entry(entry: Entry, names: Mapping[UUID, str]) -> Iterator[str]:
    status = f" {entry.status}" if entry.status else ""
    at = f"{entry.committed_at:%Y-%m-%d %H:%M:%S.%f}"[:-3]
    yield f"{at} {entry.service:<10} {entry.type} version {entry.version}{status}{_sent(entry)}"
    for receipt in entry.receipts:
        yield f"{'':<23}   -> {receipt.service:<10} {_of_receipt(entry, receipt, names)}"
    for effect in entry.effects:
        yield f"{'':<23}   -> {effect.service:<10} {_of_effect(entry, effect)}"


def _sent(entry: Entry) -> str:
    if entry.published_at:
        return f", published after {span(entry.published_at - entry.committed_at)}"
    return ", HELD" if entry.held_at else ""


def _of_receipt(entry: Entry, receipt: Receipt, names: Mapping[UUID, str]) -> str:
    said = receipt.outcome
    if receipt.redriven_at:
        said += f", parked ({receipt.parked}){_after(entry, receipt.received_at)}"
        said += f", redriven{_after(entry, receipt.redriven_at)}"
    elif receipt.parked:
        said += f" (parked message {receipt.parked})"
    said += _after(entry, receipt.applied_at)
    led_to = ", ".join(names[one] for one in receipt.led_to if one in names)
    return f"{said}, led to {led_to}" if led_to else said


def _after(entry: Entry, moment: datetime | None) -> str:
    return f" after {span(moment - entry.committed_at)}" if moment else ""


def _of_effect(entry: Entry, one: CarriedOut) -> str:
    if one.done_at:
        return f"effect {one.effect} done{_after(entry, one.done_at)}"
    tried = plural(one.attempts, "attempt", "attempts")
    return f"effect {one.effect} {one.state}, {tried}"
