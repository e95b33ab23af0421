"""The passwords of a run directory: random, made when first asked for, kept for the next start."""

import json
import secrets
import threading
from pathlib import Path
from typing import Protocol

from .errors import PolderError
from .run_directory import write_private


class Named(Protocol):
    """A password for every name that is asked for."""

    def __getitem__(self, name: str) -> str: ...


class Passwords:
    """A password per name, in a file only its owner can read. May be used from several threads."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()

    def __getitem__(self, name: str) -> str:
        """The password called `name`, letters, digits, - and _ only: safe in a URL, a shell and a config file."""
        with self._lock:
            kept = self._read()
            if name not in kept:
                # A leading dash would be taken for an option on somebody's command line.
                kept[name] = "p" + secrets.token_urlsafe(24)
                write_private(self._path, json.dumps(kept, indent=1) + "\n")
            return kept[name]

    def _read(self) -> dict[str, str]:
        try:
            kept: dict[str, str] = json.loads(self._path.read_text())
        except FileNotFoundError:
            return {}
        except ValueError as error:
            raise PolderError(f"{self._path} was spoiled: {error}.\nRestore it, or delete all data and passwords with: make reset") from error
        return kept
