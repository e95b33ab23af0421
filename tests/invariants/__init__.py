"""The invariants of docs/invariants.md, checked on a running shop."""

from tests.invariants.checker import Checker, Violation, check_client

__all__ = ["Checker", "Violation", "check_client"]
