"""The passwords of a run directory: random, made when first asked for, kept for the next start."""

import json
import secrets
import threading
from pathlib import Path

from .errors import PolderError
from .run_directory import write_private


class Passwords:
    """A password per name, in a file only its owner can read. May be used from several threads."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()

    def __getitem__(self, name: str) -> str:
        """The password called `name`: letters, digits, - and _, unless somebody wrote another into
        the file. Raises PolderError for a spoiled file."""
        with self._lock:
            kept = self._read()
            if name not in kept:
                # A leading dash would be taken for an option on somebody's command line.
                kept[name] = "p" + secrets.token_urlsafe(24)
                write_private(self._path, json.dumps(kept, indent=1) + "\n")
            return kept[name]

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
