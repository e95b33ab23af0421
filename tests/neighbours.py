"""What neighbours of a restored service tell of it, without a broker: its fence put up by their
claims, and the proofs of their copies."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from uuid_utils.compat import uuid7

from polder.outbox import claims
from polder.outbox.claims import Claim
from polder.pasts.adoption import Case, Copy, Proofs, Proven
from polder.pasts.healing import heal, lift_healed


@dataclass
class Neighbours:
    """`know(...)` what they know, then `heal()`."""

    copies: dict[tuple[str, str], list[Copy]] = field(default_factory=lambda: defaultdict(list))
    known: dict[tuple[str, str], int] = field(default_factory=dict)

    def know(
        self,
        aggregate: str,
        key: object,
        version: int,
        *,
        by: str = "neighbour",
        is_retired: bool = False,
        heard_of: int = 0,
        begun_by: UUID | None = None,
        **members: Any,
    ) -> None:
        """One of them keeps a copy at that version, and has heard of `heard_of`, if it is newer.
        A member `price__amount` is `price.amount`."""
        about = (aggregate, str(key))
        paths: Mapping[str, Any] = {
            name.replace("__", "."): value for name, value in members.items()
        }
        self.copies[about].append(Copy(by, version, is_retired, paths, begun_by))
        self.know_of(aggregate, key, max(version, heard_of), by=by)

    def know_of(self, aggregate: str, key: object, version: int, *, by: str = "neighbour") -> None:
        """One has heard of it, and keeps nothing."""
        about = (aggregate, str(key))
        self.known[about] = max(self.known.get(about, 0), version)
        claims.put_up([Claim(aggregate, str(key), version, uuid7())], by)

    def heal(self, *, dry_run: bool = False) -> dict[str, Case[Any]]:
        """By key."""
        found: dict[str, dict[str, Proven]] = defaultdict(dict)
        for about, version in self.known.items():
            newest_first = sorted(self.copies[about], key=lambda copy: -copy.version)
            found[about[0]][about[1]] = Proven(about[1], version, "neighbour", tuple(newest_first))
        cases = heal(Proofs(found), dry_run=dry_run)
        if not dry_run:
            lift_healed()
        return {case.key: case for case in cases}
