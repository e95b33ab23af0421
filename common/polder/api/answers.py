"""Shapes that answers of the API are made of, for their documentation."""

from __future__ import annotations

from pydantic import Field

from polder.contracts.event import State, Value


class AnswerWithoutRetired(State):
    """Before a contract's state among the bases: of what is never retired, `retired` is not
    shown.
    """

    retired: bool = Field(default=False, exclude=True)


class Problem(Value, extra="allow"):
    """RFC 9457. Some kinds have members of their own, which the page that `type` leads to
    explains.
    """

    type: str = Field(description="The address of a page that explains this kind of problem.")
    title: str
    status: int
    detail: str
