"""A place that writes the model, and what to do instead."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

MARK = "# adopt: "  # and why it may stay, in a comment on the line


class Kind(StrEnum):
    CREATE = "create"
    BULK_CREATE = "bulk create"
    GET_OR_CREATE = "get or create"
    SAVE = "save"
    UPDATE = "update"
    BULK_UPDATE = "bulk update"
    DELETE = "delete"
    CASCADE = "cascade"
    FORM = "form"
    SERIALIZER = "serializer"
    VIEW = "view"
    ADMIN = "admin"
    SQL = "SQL"
    FIXTURE = "fixture"
    SEEN = "seen"
    PERHAPS = "perhaps"


INSTEAD = {
    Kind.CREATE: "in transaction.atomic(), and publish() the event of what was created",
    Kind.BULK_CREATE: "in transaction.atomic(), and publish(*events), one of each row",
    Kind.GET_OR_CREATE: "in transaction.atomic(); publish() what was created; else as update",
    Kind.SAVE: "lock the row, change(), save_changed([row], fields), publish() its event",
    Kind.UPDATE: "lock the rows, change() each, save_changed(rows, fields), publish(*events)",
    Kind.BULK_UPDATE: "change() each locked row, save_changed(rows, fields), publish(*events)",
    Kind.DELETE: "owners never delete: a use case that marks the row, and retired in its state",
    Kind.CASCADE: "on_delete=PROTECT, and a use case that retires the rows first",
    Kind.FORM: "the view calls a use case with cleaned_data, and save() never",
    Kind.SERIALIZER: "create() and update() call a use case",
    Kind.VIEW: "form_valid(), perform_create() and the like call a use case",
    Kind.ADMIN: "read-only, or save_model() and delete_model() call a use case; no inline",
    Kind.SQL: "a use case; a bulk repair raises version and publishes in its transaction",
    Kind.FIXTURE: "for tests: loaded inside unguarded(); for data: by a use case",
    Kind.PERHAPS: "say its type, `row: Book`; or `# adopt: ` and of which model the row is",
    Kind.SEEN: "reading the code did not find it; lead it through a use case",
}


@dataclass
class Place:
    """One statement or class. `publishes`: its function calls publish(), too, so it may be right.
    `seen` by a test run so often, and `guard` is what the guard said of it."""

    file: str  # from the project's folder
    line: int
    kind: Kind
    code: str
    last_line: int = 0
    publishes: bool = False
    looked_at: str = ""  # what stands behind MARK on its line
    is_test: bool = False
    seen: int = 0
    guard: list[str] = field(default_factory=list)

    @property
    def instead(self) -> str:
        if self.is_test:
            return 'with unguarded("test data"): around it, or the use case'
        return INSTEAD[self.kind]

    @property
    def is_open(self) -> bool:
        """Somebody has to look at it."""
        return bool(self.guard) or not (self.publishes or self.looked_at)

    def as_json(self) -> dict[str, Any]:
        return asdict(self) | {"instead": self.instead, "open": self.is_open}
