"""The request of a batch: only a result that came back counts as done; nothing that Celery acks is
acked here."""

from __future__ import annotations

import pickle
from types import SimpleNamespace
from typing import Any

import pytest
from billiard.einfo import ExceptionInfo
from billiard.exceptions import (
    SoftTimeLimitExceeded,
    Terminated,
    TimeLimitExceeded,
    WorkerLostError,
)
from celery.exceptions import Ignore, Reject, Retry
from celery.worker import state

from order_service.celery import app
from polder.consumer.batch import Batch
from polder.consumer.ends import how_it_ended
from polder.consumer.request import build_request, request_class
from polder.consumer.tasks import apply_events
from polder.consumer.transitions import End
from polder.errors.faults import Fault
from polder.inbox.batch_errors import ConsumerHalted, HeldBack, TransientFailure
from polder.inbox.quarantine import Suspects
from tests.library.dispatch.worker import many


class Session:
    """Writes down what it is told."""

    def __init__(self) -> None:
        self.succeeded_with: list[Batch] = []
        self.failed_with: list[BaseException] = []

    def succeeded(self, batch: Batch) -> None:
        self.succeeded_with.append(batch)

    def failed(self, batch: Batch, error: BaseException) -> None:
        self.failed_with.append(error)


class Events:
    def __init__(self) -> None:
        self.sent: list[tuple[str, dict[str, Any]]] = []
        self.enabled = True
        self.groups: set[str] = set()

    def send(self, kind: str, **fields: Any) -> None:
        self.sent.append((kind, fields))


@pytest.fixture
def events() -> Events:
    return Events()


@pytest.fixture
def request_of_three(events: Events) -> Any:
    task = app.tasks[apply_events.name]
    pool = SimpleNamespace(
        apply_async=None, terminate_job=lambda pid, signal: None, task_join_will_block=False
    )
    consumer = SimpleNamespace(app=app, hostname="order.1@here", event_dispatcher=events, pool=pool)
    built = build_request(request_class(consumer, task), consumer, task, Batch(many(3)))
    built.listener, built.batch = Session(), Batch(many(3))
    state.task_reserved(built)
    return built


def test_flower_is_told_no_values() -> None:
    said = "violates not-null\nDETAIL:  Failing row contains (Ada, Dijk 1).\nHINT:  so"
    with app.connection_for_write() as connection:
        dispatcher = app.events.Dispatcher(connection, hostname="order@here", buffer_group={"task"})
        dispatcher.on_send_buffered = None
        dispatcher.send("task-failed", uuid="1", exception=repr(said), traceback=said)
        [event] = dispatcher._group_buffer["task"]
        dispatcher.disable()

    assert "Failing row" not in str(event)
    assert "violates not-null" in event["exception"]
    assert "HINT:  so" in event["traceback"]


def raised(error: BaseException, *, in_child: bool) -> ExceptionInfo:
    """As the pool tells it: what comes from the child was pickled, what billiard raises in the
    parent was not."""
    try:
        raise error
    except BaseException:
        info = ExceptionInfo()
    if in_child:
        info.exception = error
    return info


def test_flower_sees_what_is_in_it(request_of_three: Any, events: Events) -> None:
    kind, fields = events.sent[0]

    assert kind == "task-received"
    assert (fields["name"], fields["args"]) == (
        "apply_events",
        "3 events from order: OrderCreated 3",
    )
    assert request_of_three.id == fields["root_id"]
    assert request_of_three.args[0][0] == ("inventory.from.order", "order", b"x" * 10, 0.0)
    assert request_of_three.args[1] is False


def test_a_result_that_came_back_is_success(request_of_three: Any) -> None:
    request_of_three.on_success((False, "3 applied", 0.1))

    assert request_of_three.listener.succeeded_with == [request_of_three.batch]
    assert request_of_three.listener.failed_with == []


@pytest.mark.parametrize("in_child", [True, False], ids=["in the child", "in the parent"])
@pytest.mark.parametrize(
    "error",
    [
        ValueError("a bug"),
        TransientFailure("the database is away"),
        ConsumerHalted("no such column"),
        HeldBack("a lock", [0], []),
        Ignore(),
        Reject(requeue=False),
        Reject(requeue=True),
        Retry(),
        SoftTimeLimitExceeded(),
        TimeLimitExceeded(90),
        WorkerLostError("signal 9"),
        Terminated(15),
        MemoryError(),
        SystemExit(1),
        KeyboardInterrupt(),
    ],
    ids=repr,
)
def test_anything_else_is_a_failure(
    request_of_three: Any, error: BaseException, in_child: bool
) -> None:
    # When
    request_of_three.on_failure(raised(error, in_child=in_child))

    # Then the consumer is told of it, with its own class
    assert request_of_three.listener.succeeded_with == []
    assert request_of_three.listener.failed_with
    kind = type(request_of_three.listener.failed_with[-1])
    assert kind is type(error)


@pytest.mark.parametrize(
    "error", [Ignore(), Retry(), ValueError("a bug"), Terminated(15)], ids=repr
)
def test_a_failure_that_came_as_a_result(request_of_three: Any, error: BaseException) -> None:
    """Celery's pool announces an error in the task by `on_success` with the failed flag."""
    request_of_three.on_success((True, raised(error, in_child=True), 0.1))

    assert request_of_three.listener.succeeded_with == []
    assert type(request_of_three.listener.failed_with[-1]) is type(error)


def test_a_hard_time_limit_is_a_failure_and_a_soft_one_not_yet(request_of_three: Any) -> None:
    request_of_three.on_timeout(soft=True, timeout=60)
    assert request_of_three.listener.failed_with == []

    request_of_three.on_timeout(soft=False, timeout=90)
    assert [type(error) for error in request_of_three.listener.failed_with] == [TimeLimitExceeded]


def test_a_revoke_is_a_failure(request_of_three: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state, "revoked", {request_of_three.id})
    monkeypatch.setattr("celery.worker.request.revoked_tasks", {request_of_three.id})

    assert request_of_three.revoked()

    assert [type(error) for error in request_of_three.listener.failed_with] == [WorkerLostError]
    assert request_of_three.listener.succeeded_with == []


def test_how_it_ended_survives_the_way_from_the_child() -> None:
    """Each error is pickled there and made again here."""
    for error, end in [
        (ConsumerHalted("x", [1]), End.HALTED),
        (TransientFailure("x"), End.AGAIN),
        (TransientFailure("x", Fault.AWAY), End.AWAY),
        (TransientFailure("x", Fault.TOO_SLOW), End.TOO_SLOW),
        (TransientFailure("x", Fault.LOCKED), End.AGAIN),
        (HeldBack("x", [1], [2]), End.HELD_BACK),
        (Suspects([1]), End.SUSPECTS),
        (ValueError("x"), End.AGAIN),
        (Ignore(), End.AGAIN),
        *(
            (error, End.LOST)
            for error in (
                WorkerLostError("x"),
                TimeLimitExceeded(1),
                SoftTimeLimitExceeded(),
                Terminated(9),
            )
        ),
        *((error, End.LOST) for error in (MemoryError(), SystemExit(1))),
    ]:
        again = pickle.loads(pickle.dumps(error))  # noqa: S301
        assert how_it_ended(again) == how_it_ended(error)
        assert how_it_ended(again).end is end
    assert (
        how_it_ended(HeldBack("x", [1], [2])).locked,
        how_it_ended(HeldBack("x", [1], [2])).undecided,
    ) == ([1], [2])
    assert how_it_ended(ConsumerHalted("x", [1])).suspects == [1]
