"""What is made of the samples of a version, to see later that it stays so: which aggregate each is
about, and what the upcast to the next version makes of it."""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Mapping, Set
from contextlib import suppress
from typing import Any

from polder.contracts.event import Event
from polder.contracts.json_schema import EXCEPTIONS, Schema
from polder.contracts.samples import samples
from polder.contracts.upcasts import lift, step

# each by the digest of `data`
SUBJECTS, LIFTS = "subjects", "lifts"
Readings = Mapping[str, Mapping[str, str]]


def digest(value: Any) -> str:
    """The same for what is the same as JSON."""
    text = json.dumps(value, sort_keys=True, default=_plain)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _plain(value: Any) -> Any:
    """A set has no order, and what an upcast makes need not be JSON."""
    return sorted(map(str, value)) if isinstance(value, Set) else str(value)


def readings_of(
    kind: type[Event], number: int, schema: Schema, example: Any, before: Readings
) -> Readings:
    """Of that version by the code of today. Of an older one, what `before` says of subjects stays:
    those stand in the events that wait."""
    state: Any = kind.model_fields["data"].annotation
    is_old = number < kind.schema_version
    subjects, lifts = dict(before.get(SUBJECTS, {})) if is_old else {}, {}
    for what, data, parts in samples(schema, example):
        if parts or what in schema.get(EXCEPTIONS, []):
            continue
        with suppress(Exception):  # `lifting` says it
            said = digest(data)
            if is_old:
                lifts[said] = digest(step(kind, number)(copy.deepcopy(data)))
            lifted = lift(kind, copy.deepcopy(data), version=number)
            subject = state.model_validate(lifted, extra="ignore").subject
            subjects.setdefault(said, subject)
    return {SUBJECTS: subjects} | ({LIFTS: lifts} if is_old else {})
