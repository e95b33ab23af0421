"""The Celery application of a service. Celery's own traffic stays in exchanges and queues named
after the service."""

from __future__ import annotations

from typing import Any

from celery import Celery
from kombu.entity import Exchange, Queue

from polder import this_service
from polder.broker import names
from polder.broker.celery_application import ClusterCelery
from polder.broker.connect import CONNECT_TIMEOUT, HEARTBEAT, TRANSPORT_OPTIONS
from polder.consumer.jobs import asked_each_minute, expected


def celery_app() -> Celery:
    """The application of the service that the settings name. Its tasks are those of `tasks.py`
    beside the service's Celery module, and the consumer's; its schedule has the jobs of every
    service and `POLDER["JOBS"]`."""
    service = this_service.name()
    app = ClusterCelery(
        service, this_service.amqp_url(), events="polder.consumer.told_to_flower:Events"
    )
    app.config_from_object(_configuration(service))
    ours = ["polder.consumer", "polder.observability"]
    app.autodiscover_tasks([this_service.celery_module().rpartition(".")[0], *ours])
    app.conf.beat_schedule = asked_each_minute(*expected())
    return app


def _configuration(service: str) -> dict[str, Any]:
    exchange = Exchange(names.celery_exchange(service), type="direct", durable=True)
    housekeeping = names.housekeeping_queue(service)
    return {
        # else Celery closes the database connection around every task; the environment is not
        # looked at
        "CELERY_DB_REUSE_MAX": 10**9,
        "broker_heartbeat": HEARTBEAT,
        # without confirm_publish: in an alarm it would stop the worker
        "broker_transport_options": TRANSPORT_OPTIONS,
        "broker_connection_timeout": CONNECT_TIMEOUT,
        "broker_connection_retry_on_startup": True,
        "broker_connection_max_retries": None,
        "broker_channel_error_retry": True,
        "task_queues": [
            Queue(
                housekeeping,
                exchange,
                routing_key=housekeeping,
                durable=True,
                queue_arguments=names.QUORUM,
            )
        ],
        "task_default_queue": housekeeping,
        "task_default_exchange": exchange.name,
        "task_default_routing_key": housekeeping,
        # Said for every task, or Celery takes the default exchange as a short cut to a direct one's
        # queue, which the service may not write.
        "task_routes": {
            "*": {"queue": housekeeping, "exchange": exchange.name, "routing_key": housekeeping}
        },
        "task_create_missing_queues": False,
        "task_ignore_result": True,
        "task_serializer": "json",
        "accept_content": ["json"],
        "event_exchange": names.worker_event_exchange(service),
        "worker_send_task_events": True,
        "task_send_sent_event": False,
        # off: a revoke acks what was never applied
        "worker_enable_remote_control": this_service.remote_control(),
        "worker_detect_quorum_queues": True,
        "worker_cancel_long_running_tasks_on_connection_loss": True,
        "worker_hijack_root_logger": False,
        "worker_redirect_stdouts": False,
        "worker_consumer": "polder.consumer.celery_consumer:CeleryConsumer",
        # it knows nothing of the consumer's own prefetch
        "worker_enable_prefetch_count_reduction": False,
        "worker_lost_wait": 1.0,
        "worker_max_memory_per_child": 400_000,  # kB
        "timezone": "UTC",
    }
