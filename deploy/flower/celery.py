"""The Celery application that Flower runs on: no tasks, and a broker user that can only listen."""

from __future__ import annotations

import os

from celery import Celery

from common.broker.connect import HEARTBEAT
from common.broker.names import FLOWER_EXCHANGE

app = Celery("flower")
app.config_from_object(
    {
        "broker_url": os.environ["FLOWER_AMQP_URL"],
        "broker_heartbeat": HEARTBEAT,
        "broker_connection_retry_on_startup": True,
        "event_exchange": FLOWER_EXCHANGE,  # the exchanges of all services lead here
        "event_queue_prefix": "flower",
        "control_exchange": "flower.control",  # it calls into a room where no worker is
        "event_queue_exclusive": True,  # transient queues that are not exclusive are refused from RabbitMQ 4.3
        "accept_content": ["json"],
    }
)
