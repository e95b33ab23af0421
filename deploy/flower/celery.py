"""The Celery application that Flower runs on: no tasks, and a broker user that can only listen."""

from __future__ import annotations

import os

from common.broker.celery_application import ClusterCelery
from common.broker.connect import HEARTBEAT
from common.broker.names import FLOWER_EXCHANGE

app = ClusterCelery("flower", os.environ["FLOWER_AMQP_URL"])
app.config_from_object(
    {
        "broker_heartbeat": HEARTBEAT,
        "broker_connection_retry_on_startup": True,
        "event_exchange": FLOWER_EXCHANGE,  # the exchanges of all services lead here
        "event_queue_prefix": "flower",
        "control_exchange": "flower.control",  # it calls into a room where no worker is
        "event_queue_exclusive": True,  # transient queues that are not exclusive are refused from RabbitMQ 4.3
        "accept_content": ["json"],
    }
)
