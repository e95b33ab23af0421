"""Files that change together: shown, and written all or none."""

from __future__ import annotations

import codecs
import difflib
import io
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Change:
    path: Path
    before: str | None  # None: the file is new
    after: str

    def diff(self, root: Path) -> str:
        name = self.path.relative_to(root).as_posix() if self._within(root) else str(self.path)
        lines = difflib.unified_diff(
            lines_of(self.before or ""),
            lines_of(self.after),
            "/dev/null" if self.before is None else f"a/{name}",
            f"b/{name}",
        )
        return "".join(
            line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"
            for line in lines
        )

    @property
    def place(self) -> Path:
        """Where the file itself is, if `path` is a link to it."""
        return self.path.resolve()

    def check_unchanged(self) -> None:
        """Raises OSError."""
        now = read(self.place) if self.place.is_file() else None
        if now != self.before:
            raise OSError(f"{self.path} was changed by somebody meanwhile")

    def _within(self, root: Path) -> bool:
        return self.path.is_relative_to(root)


def read(path: Path) -> str:
    """With the line ends as they are, and without a byte order mark. Raises OSError,
    UnicodeDecodeError."""
    return path.read_bytes().decode("utf-8-sig")


def lines_of(text: str) -> list[str]:
    """As Python counts them, each with its end: a form feed ends none."""
    return io.StringIO(text, newline="").readlines()


def write(changes: Sequence[Change]) -> None:
    """All of them, or none when one cannot be written or is no longer as it was shown (OSError).
    New files come first: they harm nobody should this process be killed between two."""
    changes = sorted(changes, key=lambda change: change.before is not None)
    beside: list[Path] = []
    done: list[Change] = []
    try:
        for new in _written_beside(changes):
            beside.append(new)
        for change, new in zip(changes, beside, strict=True):
            change.check_unchanged()
            new.replace(change.place)
            done.append(change)
    except BaseException:
        for change in done:
            _undo(change)
        raise
    finally:
        for new in beside:
            new.unlink(missing_ok=True)


def _written_beside(changes: Sequence[Change]) -> Iterator[Path]:
    for change in changes:
        number, name = tempfile.mkstemp(dir=change.place.parent, prefix=f".{change.path.name}.")
        yield Path(name)
        with os.fdopen(number, "wb") as file:
            file.write(_encoded(change, change.after))
        if change.before is None:
            Path(name).chmod(0o666 & ~_umask())
        else:
            shutil.copymode(change.path, name)


def _encoded(change: Change, text: str) -> bytes:
    """With a byte order mark if the file has one."""
    with suppress(FileNotFoundError), change.place.open("rb") as file:
        if file.read(len(codecs.BOM_UTF8)) == codecs.BOM_UTF8:
            return codecs.BOM_UTF8 + text.encode()
    return text.encode()


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _undo(change: Change) -> None:
    with suppress(OSError):
        if change.before is None:
            change.path.unlink()
        else:
            change.place.write_bytes(_encoded(change, change.before))
