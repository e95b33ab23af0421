"""Periodic jobs: due by the database's clock, seen by anybody, and asked for whatever a host's
clock does."""

from __future__ import annotations

import threading
import time
from datetime import timedelta

import pytest
from celery.app.base import Celery
from django.db.models import F

from polder.consumer import jobs, steady_beat
from polder.consumer.arguments import service_app
from polder.consumer.jobs import COMMON_JOBS, JobState, job_states, run_if_due
from polder.consumer.models import JobRun
from polder.consumer.steady_beat import SteadyEntry, SteadyScheduler
from polder.testing.database import at_once


def state(name: str) -> JobState:
    [found] = [one for one in job_states() if one.name == name]
    return found


def later(**span: int) -> None:
    """As if all that is on record had happened so much earlier."""
    by = timedelta(**span)
    columns = ("expected_since", "started_at", "ended_at", "succeeded_at", "steady_since")
    JobRun.objects.update(**{column: F(column) - by for column in columns})


def fail() -> None:
    raise LookupError("no such thing\nDETAIL: somebody's address")


def test_a_job_that_was_never_run_is_noticed(db: None) -> None:
    assert {one.name for one in job_states()} == {
        "broker",
        "bulk",
        "samples",
        "histograms",
        "reconcile",
        "ask",
        "resync",
        "redrive",
        "partitions",
        "retention",
        "deadlines",
        "effects",
    }
    assert not [one for one in job_states() if one.is_overdue]

    later(hours=3)

    assert all(one.is_overdue for one in job_states())


def test_one_that_no_run_has_noted_is_noticed(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """As when this process runs code that the housekeeper does not run yet."""
    JobRun.objects.filter(name="deadlines").delete()
    assert not state("deadlines").is_overdue

    monkeypatch.setattr(jobs, "_BEGAN", time.monotonic() - 400)

    assert [one.name for one in job_states() if one.is_overdue] == ["deadlines"]
    JobRun.objects.all().delete()
    assert not [one for one in job_states() if one.is_overdue], "of a new database nothing is known"


def test_run_when_it_is_due_and_not_before(db: None) -> None:
    assert [run_if_due("partitions", lambda: "done") for _ in range(2)] == ["done", None]
    later(minutes=50)
    assert run_if_due("partitions", lambda: "done") is None
    later(minutes=10)
    assert run_if_due("partitions", lambda: "done") == "done"
    assert (state("partitions").error, state("partitions").is_overdue) == ("", False)


def test_what_failed_is_tried_again_a_minute_later(db: None) -> None:
    with pytest.raises(LookupError):
        run_if_due("retention", fail)
    assert (state("retention").error, state("retention").succeeded_at) == (
        "LookupError: no such thing",
        None,
    )
    assert run_if_due("retention", lambda: "done") is None

    later(minutes=1)

    assert run_if_due("retention", lambda: "done") == "done"
    assert state("retention").error == ""


def test_failing_for_long_is_overdue_though_it_runs(db: None) -> None:
    run_if_due("reconcile", lambda: "done")
    for _ in range(7):
        later(minutes=1)
        with pytest.raises(LookupError):
            run_if_due("reconcile", fail)

    assert state("reconcile").is_overdue
    assert state("reconcile").error == "LookupError: no such thing"


def test_a_process_that_is_lost_leaves_the_job_to_the_next(db: None) -> None:
    run_if_due("partitions", lambda: "done")
    JobRun.objects.filter(name="partitions").update(ended_at=None)
    later(minutes=1)

    assert run_if_due("partitions", lambda: "done") == "done"


def test_one_that_runs_for_long_is_not_begun_beside_itself(committed: None) -> None:
    """It would keep both processes of the housekeeper from everything else."""
    is_running, may_end = threading.Event(), threading.Event()

    def long() -> str:
        is_running.set()
        assert may_end.wait(60)
        return "done"

    def asked_meanwhile() -> tuple[object, object]:
        assert is_running.wait(60)
        later(minutes=2)
        try:
            return run_if_due("effects", lambda: "done"), run_if_due("bulk", lambda: "done")
        finally:
            may_end.set()

    assert at_once(lambda: run_if_due("effects", long), asked_meanwhile) == ["done", (None, "done")]
    later(minutes=2)
    assert run_if_due("effects", lambda: "done") == "done"


def test_run_though_the_clock_was_set_back(db: None) -> None:
    run_if_due("partitions", lambda: "done")
    later(days=-1)

    assert run_if_due("partitions", lambda: "done") == "done"


def test_failing_is_noticed_though_the_clock_was_set_back(db: None) -> None:
    run_if_due("partitions", lambda: "done")
    later(days=-1)
    with pytest.raises(LookupError):
        run_if_due("partitions", fail)

    [state] = [one for one in job_states() if one.name == "partitions"]
    assert state.age is not None
    assert 0 <= state.age < 60


def test_beat_asks_whatever_the_clock_does(monkeypatch: pytest.MonkeyPatch) -> None:
    # Given a beat, and a clock that steps by a day forward and back
    app = Celery("beat", broker="memory://", set_as_current=False)
    app.conf.beat_schedule = {
        name: {"task": name, "schedule": 60.0} for name in ("one", "two", "three")
    }
    sent: list[str] = []
    ticks = [0.0]
    monkeypatch.setattr(steady_beat.time, "monotonic", lambda: ticks[0])
    monkeypatch.setattr(
        SteadyScheduler, "apply_entry", lambda self, entry, producer=None: sent.append(entry.task)
    )
    now = SteadyEntry.default_now
    monkeypatch.setattr(
        SteadyEntry,
        "default_now",
        lambda self: now(self) + (timedelta(days=1) if 200 <= ticks[0] < 330 else timedelta()),
    )
    scheduler = SteadyScheduler(app)
    monkeypatch.setattr(SteadyScheduler, "producer", None)

    # When ten minutes pass
    while ticks[0] < 600:
        ticks[0] += scheduler.tick()

    # Then each was asked for at once, and every minute
    assert {name: sent.count(name) for name in ("one", "two", "three")} == dict.fromkeys(
        ("one", "two", "three"), 10
    )


def test_flower_hears_of_what_is_rare() -> None:
    app = service_app()
    app.loader.import_default_modules()
    tasks = app.tasks
    told = {name for name in COMMON_JOBS if tasks[name].send_events}
    assert {"reconcile", "partitions"} <= told
    assert not told & {"bulk", "histograms", "resync", "effects"}
