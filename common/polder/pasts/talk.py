"""Saying something to other services, and what is done with what they say."""

from __future__ import annotations

from collections.abc import Sequence

from uuid_utils.compat import uuid7

from polder import this_service
from polder.broker.confirms import ConfirmedPublisher, Outgoing
from polder.broker.names import direct_exchange
from polder.broker.nodes import Nodes
from polder.pasts.messages import CONTENT_TYPE, Message

PATIENCE = 5.0  # seconds


def say(routing_key: str, messages: Sequence[Message]) -> bool:
    """By our direct exchange, confirmed; whether somebody has each of them. Raises one of
    BROKER_ERRORS.

    On a connection of its own: it is done so seldom that one kept open would cost more.
    """
    exchange = direct_exchange(this_service.name())
    publisher = ConfirmedPublisher(
        Nodes(this_service.amqp_url()), exchange, content_type=CONTENT_TYPE, timeout=PATIENCE
    )
    try:
        receipt = publisher.publish(
            [
                Outgoing(str(uuid7()), routing_key, message.model_dump_json().encode())
                for message in messages
            ]
        )
        return not receipt.refused
    finally:
        publisher.close()
