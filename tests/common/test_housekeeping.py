"""What beat sends reaches the housekeeper's queue, with no more rights than the service's own broker user has."""

from __future__ import annotations

from common.broker.names import housekeeping_queue
from common.intake.arguments import service_app
from common.testing import eventually
from order_service.tasks import SCHEDULE
from tests.common.broker import connected, declare_all


def test_what_beat_sends_arrives() -> None:
    # Given
    declare_all()
    queue = housekeeping_queue("order")

    # When every entry of the schedule is sent, as beat sends it
    with service_app().producer_or_acquire() as producer:
        for entry in SCHEDULE.values():
            service_app().send_task(entry["task"], producer=producer, **entry["options"])

    # Then
    with connected("deploy") as connection:
        channel = connection.channel()
        names = [eventually(lambda: channel.basic_get(queue, no_ack=True)).headers["task"] for _ in SCHEDULE]
    assert sorted(names) == sorted(entry["task"] for entry in SCHEDULE.values())
