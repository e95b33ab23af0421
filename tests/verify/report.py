"""What `make verify` says: one line per invariant, how much was compared, and the violations below
it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from tests.invariants import Violation

NAMES = {
    "I1": "no loss",
    "I2": "no phantom",
    "I3": "effect once",
    "I4": "ledger",
    "I5": "drained",
    "I6": "dense",
    "I7": "wire order",
    "I8": "replicas",
    "I9": "monotonic",
    "I10": "conservation",
    "I11": "no oversell",
    "I12": "decided",
    "I13": "saga",
    "I14": "client",
    "I15": "parked",
    "I16": "recovery",
    "I18": "effects",
}
SHOWN = 5  # violations of one invariant


class Report(NamedTuple):
    """`unchecked`: by invariant, why; `notes`: what else is to be said of one that was checked."""

    violations: Sequence[Violation]
    compared: Mapping[str, Counter[str]]
    unchecked: Mapping[str, str]
    notes: Mapping[str, str]

    @property
    def broken(self) -> list[str]:
        found = {violation.invariant for violation in self.violations}
        return [number for number in NAMES if number in found]

    def lines(self) -> Iterator[str]:
        for number, name in NAMES.items():
            found = [violation for violation in self.violations if violation.invariant == number]
            if not found and number in self.unchecked:
                yield f"  - {number:<4}{name:<14}not checked: {self.unchecked[number]}"
                continue
            counted = ", ".join(
                f"{count:,} {what}" for what, count in self.compared.get(number, {}).items()
            )
            said = "; ".join(part for part in (counted, self.notes.get(number, "")) if part)
            yield f"  {'✗' if found else '✓'} {number:<4}{name:<14}{said}".rstrip()
            for violation in found[:SHOWN]:
                yield f"      {violation.where}: {violation.detail}"
            if len(found) > SHOWN:
                yield f"      and {len(found) - SHOWN} more of this kind"
