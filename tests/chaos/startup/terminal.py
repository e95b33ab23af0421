"""A command at a terminal of its own, with somebody at the keyboard."""

from __future__ import annotations

import os
import re
import subprocess
import threading
import time
from collections.abc import Sequence

CTRL_C = b"\x03"
DRAWING = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]|\r")


class Terminal:
    def __init__(self, command: Sequence[str]) -> None:
        self._program = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self._shown = b""
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def text(self) -> str:
        """All that was shown, without colours and cursor movements."""
        return DRAWING.sub("", self._shown.decode(errors="replace"))

    def until(self, pattern: str, seconds: float = 600) -> None:
        """Raises AssertionError when the command ends, or the time, without showing it."""
        deadline = time.monotonic() + seconds
        while not re.search(pattern, self.text):
            ended = self._program.poll() is not None and not self._reader.is_alive()
            assert not ended or re.search(pattern, self.text), (
                f"ended without {pattern!r}:\n{self.text}"
            )
            assert time.monotonic() < deadline, (
                f"no {pattern!r} within {seconds:.0f} s:\n{self.text}"
            )
            time.sleep(0.02)

    def press(self, key: bytes) -> None:
        assert self._program.stdin is not None
        self._program.stdin.write(key)
        self._program.stdin.flush()

    def wait(self, seconds: float = 180) -> int:
        """Its exit status. Raises AssertionError when it does not end."""
        try:
            status = self._program.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"did not end within {seconds:.0f} s:\n{self.text}") from None
        self._reader.join(10)
        for pipe in (self._program.stdin, self._program.stdout):
            assert pipe is not None
            pipe.close()
        return status

    def _read(self) -> None:
        assert self._program.stdout is not None
        while read := os.read(self._program.stdout.fileno(), 65536):
            self._shown += read
