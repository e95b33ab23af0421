"""What beat sends reaches the housekeeper's queue, with no more rights than the service's own
broker user has."""

from __future__ import annotations

from polder.broker.names import housekeeping_queue
from polder.consumer.arguments import service_app
from polder.testing import eventually
from tests.library.broker import connected, declare_all


def test_what_beat_sends_arrives() -> None:
    # Given
    declare_all()
    queue = housekeeping_queue("order")

    # When every entry of the schedule is sent, as beat sends it
    schedule = service_app().conf.beat_schedule
    assert "deadlines" in schedule
    with service_app().producer_or_acquire() as producer:
        for entry in schedule.values():
            service_app().send_task(entry["task"], producer=producer, **entry["options"])

    # Then
    with connected("deploy") as connection:
        channel = connection.channel()
        names = [
            eventually(lambda: channel.basic_get(queue, no_ack=True)).headers["task"]
            for _ in schedule
        ]
    assert sorted(names) == sorted(entry["task"] for entry in schedule.values())
