"""The Celery application that Flower runs on: no tasks, and a broker user that can only listen."""

from __future__ import annotations

import os
import sys

from polder.broker.celery_application import ClusterCelery
from polder.broker.connect import HEARTBEAT
from polder.broker.names import FLOWER_EXCHANGE
from polder.configuration import surroundings
from polder.configuration.nodes import WrongAddress, with_authority
from polder.configuration.topology import FLOWER_AMQP_CA, FLOWER_AMQP_URL
from polder.configuration.variables import Wrong, read

surroundings.forget()
try:
    # it reads more of its own
    _given = read([FLOWER_AMQP_URL, FLOWER_AMQP_CA], "flower", os.environ, known=os.environ)
    _url = with_authority(_given[FLOWER_AMQP_URL.name] or "", _given[FLOWER_AMQP_CA.name])
    app = ClusterCelery("flower", _url)
except (Wrong, WrongAddress) as error:
    sys.exit(f"flower: {FLOWER_AMQP_URL.name}: {error}")
app.config_from_object(
    {
        "broker_heartbeat": HEARTBEAT,
        "broker_connection_retry_on_startup": True,
        "event_exchange": FLOWER_EXCHANGE,  # the exchanges of all services lead here
        "event_queue_prefix": "flower",
        "control_exchange": "flower.control",  # nobody listens there: it can tell a worker nothing
        # transient queues that are not exclusive are refused from RabbitMQ 4.3
        "event_queue_exclusive": True,
        "accept_content": ["json"],
    }
)
