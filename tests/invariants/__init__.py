"""The invariants of docs/invariants.md, checked on a running shop."""

from tests.invariants.checker import Checker
from tests.invariants.orders import check_client
from tests.invariants.violation import Violation
from tests.invariants.watcher import Watcher

__all__ = ["Checker", "Violation", "Watcher", "check_client"]
