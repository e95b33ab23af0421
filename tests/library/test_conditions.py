"""Conditions: registered once, told by /readyz, /metrics and the overview alike; answered in time
whatever the database does."""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Event, Thread

import pytest
from django.db import connection, connections
from django.test import Client

from polder import conditions as registry
from polder.conditions import Condition, Finding, State, condition, conditions, fail, ok, warn
from polder.observability.conditions import drift
from polder.observability.health import ANSWERS_WITHIN
from polder.observability.look import MOST_PER_SECOND, Look, TooSlow
from polder.testing.admin_pages import superuser_client

SOON = ANSWERS_WITHIN * 8  # on a machine at a fifth of its speed
_SLEEP = "SELECT pg_sleep(25)"
OPERATIONS = Path(__file__).parents[2] / "docs" / "operations.md"


@pytest.fixture
def only(monkeypatch: pytest.MonkeyPatch) -> dict[str, Condition]:
    """A registry of the test's own."""
    mine: dict[str, Condition] = {}
    monkeypatch.setattr(registry, "conditions", mine)
    monkeypatch.setattr("polder.observability.state.conditions", mine)
    return mine


def registered(finding: Finding, *, stops_traffic: bool = False) -> None:
    condition("tide", runbook="drift", stops_traffic=stops_traffic)(lambda: finding)


@pytest.mark.parametrize(
    ("finding", "stops_traffic", "status"),
    [
        (ok("low"), True, 200),
        (warn("rising"), True, 200),
        (fail("over the dike"), False, 200),
        (fail("over the dike"), True, 503),
    ],
)
def test_only_what_stops_traffic_answers_503(
    only: dict[str, Condition],
    client: Client,
    db: None,
    finding: Finding,
    stops_traffic: bool,
    status: int,
) -> None:
    registered(finding, stops_traffic=stops_traffic)

    ready = client.get("/readyz")

    assert (ready.status_code, ready.json()["status"]) == (
        status,
        "ready" if status == 200 else "not ready",
    )
    assert ready.json()["problems"] == ([] if finding.state is State.OK else [finding.sentence])
    told = {"name": "tide", "state": finding.state, "sentence": finding.sentence, "since": None}
    assert told | {"runbook": "docs/operations.md#drift"} in ready.json()["conditions"]


def test_gauge_and_overview_tell_the_same(
    only: dict[str, Condition], client: Client, db: None
) -> None:
    registered(fail("over the dike"))

    lines = client.get("/metrics").content.decode().splitlines()
    page = superuser_client().get("/admin/").content.decode()

    assert {line for line in lines if 'name="tide"' in line} == {
        'polder_condition{name="tide",state="ok"} 0.0',
        'polder_condition{name="tide",state="warn"} 0.0',
        'polder_condition{name="tide",state="fail"} 1.0',
    }
    assert "over the dike" in page


def test_one_that_cannot_be_looked_at_fails_alone(
    only: dict[str, Condition], client: Client, db: None
) -> None:
    @condition("broken", runbook="drift")
    def look() -> Finding:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 / 0")
        return ok("")

    registered(ok("low"))

    ready = client.get("/readyz")

    states = {told["name"]: told["state"] for told in ready.json()["conditions"]}
    assert (ready.status_code, states) == (200, {"database": "ok", "broken": "fail", "tide": "ok"})


def test_a_slow_one_does_not_take_traffic_away(
    only: dict[str, Condition], client: Client, db: None
) -> None:
    @condition("slow", runbook="drift")
    def look() -> Finding:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(60)")
        return ok("")

    registered(ok("low"), stops_traffic=True)
    began = time.monotonic()

    ready = client.get("/readyz")

    states = {told["name"]: told["state"] for told in ready.json()["conditions"]}
    assert (ready.status_code, states) == (200, {"database": "ok", "tide": "ok", "slow": "fail"})
    assert time.monotonic() - began < SOON


def test_what_is_counted_no_further_is_said_so(db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            """INSERT INTO polder_replication_drift (aggregate, key, kind, version, stored_hash,
                event_hash, event_id, found_by)
            SELECT 'a.b', n, 'conflict', 1, '', '', gen_random_uuid(), 'event'
                FROM generate_series(1, 10001) AS n"""
        )

    assert drift().sentence.startswith("10000 or more copies disagree")


def test_a_name_is_registered_once(only: dict[str, Condition]) -> None:
    registered(ok("low"))
    with pytest.raises(ValueError, match="two conditions named tide"):
        registered(ok("low"))


def test_every_runbook_is_there() -> None:
    headings = re.findall(r"^##+ (.*)$", OPERATIONS.read_text(), re.MULTILINE)
    anchors = {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}

    assert {known.runbook for known in conditions.values()} <= anchors


@pytest.fixture
def silent_server() -> Iterator[int]:
    """A port that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.mark.django_db(transaction=True)
def test_not_ready_in_time_when_the_database_takes_connections_and_says_nothing(
    client: Client, silent_server: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection.close()
    monkeypatch.setitem(connections["default"].settings_dict, "PORT", str(silent_server))
    began = time.monotonic()

    ready = client.get("/readyz")

    assert (ready.status_code, ready.json()["status"]) == (503, "not ready")
    assert time.monotonic() - began < SOON


@pytest.mark.django_db(transaction=True)
def test_a_look_that_hangs_is_cut_off_and_the_next_one_looks_anew() -> None:
    # Given a look in which the server stays silent for longer than anybody waits
    ended = Event()

    def hang() -> int:
        try:
            with connection.cursor() as cursor:
                cursor.execute(_SLEEP)
            return 1
        finally:
            ended.set()

    # Then the asker is told in time, and the thread that hung comes back, its connection cut off
    with pytest.raises(TooSlow):
        Look(hang, 0.2).now()
    assert ended.wait(10)
    with connection.cursor() as cursor:
        # the server sees only when it has slept that nobody listens any more
        cursor.execute(
            "SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity "
            "WHERE datname = current_database() AND query = %s",
            [_SLEEP],
        )
        assert cursor.fetchall() == [(True,)]


def test_askers_share_a_look() -> None:
    # Given one asker whose look does not end yet
    go_on, looks = Event(), []

    def slowly() -> int:
        looks.append(1)
        assert go_on.wait(60)
        return len(looks)

    look, answers = Look(slowly, 60), []
    askers = [Thread(target=lambda: answers.append(look.now())) for _ in range(5)]
    askers[0].start()
    while not looks:
        time.sleep(0.001)

    # When more come, and it ends
    for asker in askers[1:]:
        asker.start()
    while sum(asker.is_alive() for asker in askers) < 5:
        time.sleep(0.001)
    go_on.set()
    for asker in askers:
        asker.join()

    # Then most of them were given what that one look found; a latecomer may have made another
    assert len(answers) == 5
    assert answers.count(1) >= 1


def test_thousands_of_askers_cost_few_looks() -> None:
    looks = []
    look = Look(lambda: looks.append(1), 60)
    began = time.monotonic()

    for _ in range(2_000):
        look.now()

    assert len(looks) <= MOST_PER_SECOND * (time.monotonic() - began + 1)
