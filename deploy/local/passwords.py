"""The passwords of a run directory: random, made when first asked for, kept for the next start."""

import json
import secrets
import threading
from pathlib import Path

from .errors import PolderError
from .run_directory import write_private


class Passwords(dict[str, str]):
    """A password for every name that is asked for: letters, digits, - and _, unless somebody wrote
    another into the file, which only its owner can read. May be used from several threads. Raises
    PolderError for a spoiled file."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"Passwords({self._path})"

    def __missing__(self, name: str) -> str:
        with self._lock:
            self.update(self._read())
            if name not in self:
                # A leading dash would be taken for an option on somebody's command line.
                self[name] = "p" + secrets.token_urlsafe(24)
                write_private(self._path, json.dumps(self, indent=1) + "\n")
            return self[name]

    def _read(self) -> dict[str, str]:
        try:
            kept = json.loads(self._path.read_text())
            if isinstance(kept, dict) and all(isinstance(one, str) for one in kept.values()):
                return kept
        except FileNotFoundError:
            return {}
        except ValueError:
            pass
        raise PolderError(
            f"{self._path} was spoiled: it is no table of names and passwords.\n"
            "Restore it, or delete all data and passwords with: make reset"
        )
