"""Follows logs, all at once, each line after the name of its process."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

POLL_SECONDS = 0.2
SHOWN_AT_FIRST_BYTES = 2_000


class FollowedLog:
    """A file that others append to, replace or have not made yet. Begins with its last few lines."""

    def __init__(self, path: Path) -> None:
        self._path = path
        size = path.stat().st_size if path.exists() else 0
        self._position = max(0, size - SHOWN_AT_FIRST_BYTES)
        self._begins_within_a_line = self._position > 0
        self._unfinished = b""

    def new_lines(self) -> Iterator[str]:
        *lines, self._unfinished = (self._unfinished + self._read()).split(b"\n")
        if lines and self._begins_within_a_line:
            del lines[0]
            self._begins_within_a_line = False
        yield from (line.decode(errors="replace") for line in lines)

    def _read(self) -> bytes:
        try:
            with self._path.open("rb") as log:
                if log.seek(0, 2) < self._position:  # replaced by a new one
                    self._position = 0
                log.seek(self._position)
                read = log.read()
        except FileNotFoundError:
            return b""
        self._position += len(read)
        return read


def follow(find: Callable[[], list[Path]], show: Callable[[str, str], None]) -> None:
    """Call `show(name, line)` for each line of the files that `find` finds, now and later. Does not return."""
    followed: dict[Path, FollowedLog] = {}
    while True:
        for path in find():
            log = followed.get(path) or followed.setdefault(path, FollowedLog(path))
            for line in log.new_lines():
                show(path.stem, line)
        time.sleep(POLL_SECONDS)
