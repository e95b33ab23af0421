"""A use case: one transaction, or a part of its caller's."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from django.db import connection, transaction

P = ParamSpec("P")
R = TypeVar("R")


def use_case(function: Callable[P, R]) -> Callable[P, R]:
    """Runs the function in one transaction: all of it happens, or nothing.

    Inside the transaction of a caller it is a part of that one, without the two statements of a
    savepoint: whatever it raises, the caller's transaction can only be rolled back, and who goes on
    in it meets Django's TransactionManagementError. A transaction that Django opens around a test
    is no caller's.
    """

    @wraps(function)
    def carried_out(*args: P.args, **kwargs: P.kwargs) -> R:
        with transaction.atomic(savepoint=not in_own_transaction()):
            return function(*args, **kwargs)

    return carried_out


def in_own_transaction() -> bool:
    """Whether one is open besides those that Django opens around a test."""
    return any(not getattr(block, "_from_testcase", False) for block in connection.atomic_blocks)
