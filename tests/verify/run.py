"""One verification: wait for rest, check every invariant that can be checked from outside, and say
what could not."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tests.blackbox.shop import OWNERS, Shop
from tests.invariants import Checker, Violation, Watcher
from tests.invariants.look import Look
from tests.invariants.rest import Count, count, wait_until_quiet
from tests.verify.auditor import StreamAuditor
from tests.verify.report import NAMES, Report
from tests.verify.unacked import NotAsked, unacked

AT_ANY_MOMENT = ("I3", "I9", "I10", "I11")  # hold while the shop is at work, too
PARKED = "SELECT count(*)::int FROM polder_inbox_parkedevent WHERE state = 'parked'"


@dataclass
class Verification:
    """`parked`: how many parked messages are expected in all; `watch`: seconds to watch what must
    hold at every moment, at least."""

    shop: Shop
    wait: float = 60.0
    watch: float = 3.0
    parked: int = 0
    tell: Callable[[str], None] = lambda _: None
    mails: Path | None = None  # where they are, if they can be read
    notes: dict[str, str] = field(default_factory=dict)
    unchecked: dict[str, str] = field(default_factory=dict)
    before: int = 0  # events made when it began

    def run(self) -> Report:
        began = time.monotonic()
        auditor: StreamAuditor | None = StreamAuditor(self.shop)
        if auditor is not None and not auditor.is_bound():
            auditor = None
            self.unchecked["I7"] = "no auditor listens; from now on with: make verify audit=on"
            self.notes["I5"] = (
                "not compared with the wire, for no auditor listens (make verify audit=on)"
            )
        with Watcher(self.shop).watching() as watcher:
            self.before = sum(count(self.shop).sent.values())
            found = Look.at(self.shop, lived=True)
            quiet = wait_until_quiet(self.shop, self.wait, self._note, found.since)
            rested = time.monotonic() - began
            while (left := self.watch - (time.monotonic() - began)) > 0:
                self.tell(f"watching what must hold at every moment for {left:.0f} s more")
                time.sleep(min(1.0, left))
            self.tell("comparing the databases")
            checker = Checker(self.shop, auditor, watcher, mails=self.mails)
            checker.parked.update({owner: self.shop.rows(owner, PARKED)[0][0] for owner in OWNERS})
            look = Look.at(self.shop, lived=True)
            self.notes["I9"] = (
                f"every version, {watcher.looks} looks in {time.monotonic() - began:.0f} s"
            )
            violations = list(checker.violations(look))
        if quiet is None:
            violations = self._without_rest(violations)
        else:
            self.notes["I16"] = f"at rest after {rested:.1f} s"
            violations += self._unacked()
        violations += self._parked(checker)
        self.notes["I14"] = (
            "each answered once, by the keys that the service keeps; what clients were told they "
            "know themselves"
        )
        if self.mails is None:
            self.notes["I18"] = "the mails themselves are not in a folder here"
        return Report(violations, look.compared, self.unchecked, self.notes)

    def _note(self, now: Count) -> None:
        self.tell(
            f"waiting for rest: {now}"
            if not now.at_rest
            else f"at rest, {sum(now.sent.values()):,} events"
        )

    def _without_rest(self, violations: list[Violation]) -> list[Violation]:
        """Of a shop that is at work only what holds at any moment; one that is stuck is told on in
        full."""
        if sum(count(self.shop).sent.values()) == self.before:
            return [
                Violation("I16", "shop", f"not at rest after {self.wait:.0f} s, and nothing moves"),
                *violations,
            ]
        for number in NAMES:
            if number not in AT_ANY_MOMENT:
                self.unchecked[number] = "the shop is at work"
        kept = [violation for violation in violations if violation.invariant in AT_ANY_MOMENT]
        return [
            Violation(
                "I16",
                "shop",
                f"still at work after {self.wait:.0f} s: events are being made. Let no orders "
                "come and verify again",
            ),
            *kept,
        ]

    def _unacked(self) -> list[Violation]:
        try:
            return list(unacked(self.shop.variables))
        except NotAsked as why:
            self.unchecked["I15"] = f"what workers hold unacked was not counted, for {why}"
            return []

    def _parked(self, checker: Checker) -> list[Violation]:
        found = {owner: number for owner, number in checker.parked.items() if number}
        if sum(found.values()) == self.parked:
            return []
        pages = [
            f"{self.shop.variables.get(f'{owner.upper()}_URL', owner)}"
            "/admin/polder_inbox/parkedevent/?state__exact=parked"
            for owner in found
        ]
        detail = (
            f"{sum(found.values())} messages are parked, {self.parked} expected "
            f"(parked={sum(found.values())} expects them)"
        )
        return [
            Violation(
                "I15",
                ", ".join(f"{owner} {number}" for owner, number in found.items()) or "nowhere",
                "; ".join((detail, *pages)),
            )
        ]
