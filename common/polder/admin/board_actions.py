"""What a service offers on its board, such as placing orders: registered by the service, carried
out once for each form, and noted with who did it."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple
from uuid import UUID

from django.db import IntegrityError, transaction

from polder.admin.models import OperatorAction


class NotPossible(Exception):
    """What `run` of an action raises; `str()` is what the operator reads."""


class BoardAction(NamedTuple):
    """`run` returns what the operator reads. It is called in a transaction."""

    name: str
    label: str
    permission: str  # "order.place_order"
    run: Callable[[], str]


board_actions: dict[str, BoardAction] = {}


def on_board(action: BoardAction) -> None:
    """Offers it to those who have its permission."""
    board_actions[action.name] = action


def do(action: BoardAction, operator: str, form: UUID) -> str:
    """Carries it out, once for each form. Raises NotPossible."""
    try:
        with transaction.atomic():
            OperatorAction.objects.create(
                operator=operator,
                action=action.name[:30],
                target="board",
                key=action.name[:64],
                reason=action.label,
                done=True,
                form=form,
            )
            return action.run()
    except IntegrityError as error:
        if "form_carried_out_once" in str(error):
            raise NotPossible("This form was sent before: nothing was done again.") from None
        raise
