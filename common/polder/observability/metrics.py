"""`/metrics`, for Prometheus: read from the database at each scrape, so that it is the same
whichever process answers.

Open without a key, as /livez is: there are counts in it, and names of services, and nothing about
any person. Block it at the proxy where even that is too much.

Counters end in `_total` and never fall; times are in seconds; a series that is known in advance
begins with 0 and stays.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from django.apps import apps
from django.db import Error
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_1_0_0
from prometheus_client.registry import Collector

from polder import this_service
from polder.api.plain_problems import only_safe
from polder.broker.names import dead_letter_queue, event_queue
from polder.conditions import State
from polder.consumer.jobs import job_states
from polder.domain.aggregate import aggregates
from polder.effects.declared import effects
from polder.inbox.models import Outcome, Redriven, Unrecorded
from polder.observability import conservation, measures
from polder.observability.histograms import histograms
from polder.observability.look import Look, TooSlow
from polder.observability.state import look_at_all
from polder.replication import freshness
from polder.replication.replica import replications

ANSWERS_WITHIN = 8.0  # seconds; Prometheus waits for ten unless told otherwise
COUNTED = f"counted up to {measures.MOST_COUNTED}"
# Those that the code gives; beside them, a message that failed has the name of its exception.
REASONS = (
    "not-json",
    "not-an-event",
    "invalid",
    "unknown-type",
    "newer-version",
    "foreign",
    "beyond-horizon",
    "kills-its-process",
)

Rows = Iterable[tuple[Any, ...]]


@only_safe
@never_cache
def metrics(request: HttpRequest) -> HttpResponse:
    """503 when the database does not answer in time: no number is better than an old one."""
    try:
        return HttpResponse(_rendered.now(), CONTENT_TYPE_PLAIN_1_0_0)
    except TooSlow:
        why = f"no answer of the database within {ANSWERS_WITHIN} s"
    except Error as error:
        why = str(error).strip().replace("\n", " ")
    return HttpResponse(f"# {why}\n", "text/plain; charset=utf-8", 503)


def _render() -> bytes:
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_FromTheDatabase())
    return generate_latest(registry)


_rendered = Look(_render, ANSWERS_WITHIN)


class _FromTheDatabase(Collector):
    def collect(self) -> Iterator[Metric]:
        yield from _of_the_outbox()
        yield from _of_the_inbox()
        yield from _of_the_lag()
        yield from _of_what_is_conserved()
        yield from histograms()
        if apps.is_installed("polder.effects"):
            yield from _of_the_effects()
        yield from _of_the_service()


def _of_the_outbox() -> Iterator[Metric]:
    [unpublished, oldest, held, guard] = measures.measured(
        measures.UNPUBLISHED, measures.OLDEST_UNPUBLISHED, measures.HELD, measures.GUARD
    )
    yield _gauge(
        "outbox_unpublished", f"Events that the relay has yet to publish, {COUNTED}.", unpublished
    )
    yield _gauge(
        "outbox_oldest_unpublished_seconds",
        "Age of the oldest of them; 0 when there is none.",
        oldest or [(0,)],
    )
    yield _gauge(
        "outbox_held",
        f"Events that the broker refused and that wait for an operator, {COUNTED}.",
        held,
    )
    yield _gauge(
        "guard_reported",
        f"Writes kept on record that went around publish() while the guard reported, {COUNTED}.",
        measures.and_zero(guard, [(name,) for name in aggregates()]),
        "aggregate",
    )


def _of_the_inbox() -> Iterator[Metric]:
    statements = (
        measures.DELIVERIES,
        measures.REDRIVES,
        measures.PARKED,
        measures.DRIFT,
        measures.DRIFT_FOUND,
        measures.REGRESSED,
        measures.REPLICAS,
    )
    [deliveries, redrives, parked, drift, drift_found, regressed, replicas] = measures.measured(
        *statements
    )
    publishers = this_service.subscribes_to()
    outcomes = [
        (publisher, str(outcome)) for publisher in publishers for outcome in (*Outcome, *Unrecorded)
    ]
    yield _counter(
        "deliveries",
        "Deliveries from the broker, each counted once by how it ended when it came.",
        measures.and_zero(deliveries, outcomes),
        "publisher",
        "outcome",
    )
    ends = [(publisher, str(outcome)) for publisher in publishers for outcome in Redriven]
    text = "Parked messages that were applied again, by how that ended."
    yield _counter("redrives", text, measures.and_zero(redrives, ends), "publisher", "outcome")
    yield _gauge(
        "parked",
        f"Messages parked now, {COUNTED}.",
        measures.and_zero(parked, [(reason,) for reason in REASONS]),
        "reason",
    )
    yield _gauge(
        "drift_open", "Replicas found to differ from their owner's word, and not repaired.", drift
    )
    known = [(aggregate,) for aggregate in replications]
    text = "Rows that a resync or an audit found to differ from their owner's."
    yield _counter("drift_found", text, measures.and_zero(drift_found, known), "replica")
    owners = [(publisher,) for publisher in publishers]
    text = "Aggregates whose owner sends older versions than are known here: its past came back."
    yield _gauge("regressed_open", text, measures.and_zero(regressed, owners), "owner")
    text = "How much of a replica has been compared with its owner; 1 when it is complete."
    yield _gauge("replica_filled_ratio", text, measures.and_zero(replicas, known), "replica")
    yield _gauge(
        "last_applied_timestamp_seconds",
        "When an event of the publisher was last processed; 0 when none ever was.",
        measures.last_applied(),
        "publisher",
    )


def _of_the_lag() -> Iterator[Metric]:
    publishers, service = this_service.subscribes_to(), this_service.name()
    [lag, queues, waiting, behind, silent] = measures.measured(
        *(measures.LAG, measures.QUEUES, measures.WAITING_OLDEST),
        *(freshness.BEHIND, freshness.SILENT_FOR),
    )
    yield _summary(
        "apply_lag_seconds",
        "From when an event of the publisher occurred until it was applied, of those of a minute; "
        "0 when there were none.",
        measures.and_zero(lag, [(name, part) for name in publishers for part in ("0.5", "0.95")]),
        "publisher",
        "quantile",
    )
    known = [(event_queue(service, name), name) for name in publishers]
    yield _gauge(
        "queue_waiting",
        "Messages that waited in the queue when the housekeeper last looked; NaN when it has not "
        "looked for three minutes.",
        measures.and_unknown(queues, [*known, (dead_letter_queue(service), "")]),
        "queue",
        "publisher",
    )
    yield _gauge(
        "waiting_oldest_seconds",
        "For how long the oldest event of the publisher waits that was tried and not applied; 0 "
        "when none does.",
        measures.and_zero(waiting, [(name,) for name in publishers]),
        "publisher",
    )
    text = (
        "How far the replicas are behind the publisher at most, by its newest heartbeat ahead of "
        "which nothing is left; without one nothing is said."
    )
    yield _gauge("replica_behind_seconds", text, freshness.of_ours(behind), "publisher")
    text = (
        "How old the newest heartbeat of the publisher is that any worker has heard; without one "
        "nothing is said."
    )
    yield _gauge("publisher_silent_seconds", text, freshness.of_ours(silent), "publisher")
    text = "How far back the ledger reaches: what is older is told by its version alone."
    yield _gauge("ledger_reach_seconds", text, measures.ledger_reach())


def _of_what_is_conserved() -> Iterator[Metric]:
    span = f"the {conservation.MINUTES} minutes up to the last but one"
    text = f"Own events of {span} that the broker took; nothing is said of very many."
    yield _gauge("recent_published", text, conservation.published())
    text = f"Events of {span} that were processed here, whatever became of them."
    yield _gauge("recent_processed", text, conservation.processed(), "publisher")


def _of_the_effects() -> Iterator[Metric]:
    [found] = measures.measured(measures.EFFECTS)
    known = [(name, state) for name in effects for state in ("waiting", "failed")]
    text = f"Effects that are to be carried out, and those that were given up, {COUNTED}."
    yield _gauge("effects", text, measures.and_zero(found, known), "effect", "state")


def _of_the_service() -> Iterator[Metric]:
    [size] = measures.measured(measures.DATABASE_BYTES)
    yield _gauge("database_bytes", "What the service's database takes on its disk.", size)
    yield _gauge(
        "partition_ahead_seconds",
        "For how long there are partitions.",
        measures.seconds_ahead(),
        "table",
    )
    ended = [
        (job.name, job.succeeded_at.timestamp() if job.succeeded_at else 0) for job in job_states()
    ]
    yield _gauge(
        "job_last_success_timestamp_seconds",
        "When the periodic job last ended well; 0 when it never did.",
        ended,
        "job",
    )
    found = [(each.condition.name, each.finding.state) for each in look_at_all()]
    states = [(name, state, state is is_in) for name, is_in in found for state in State]
    yield _gauge(
        "condition",
        "1 for the state that each condition is in, as /readyz tells them; 0 for the others.",
        states,
        "name",
        "state",
    )


def _gauge(name: str, text: str, rows: Rows, *labels: str) -> Metric:
    """Rows are the labels' values and then the number."""
    return _filled(GaugeMetricFamily(f"polder_{name}", text, labels=labels), rows)


def _counter(name: str, text: str, rows: Rows, *labels: str) -> Metric:
    return _filled(CounterMetricFamily(f"polder_{name}", text, labels=labels), rows)


def _summary(name: str, text: str, rows: Rows, *labels: str) -> Metric:
    """Of its quantiles alone; `quantile` is a word of Prometheus' for a summary."""
    family = Metric(f"polder_{name}", text, "summary")
    for *values, number in sorted(rows):
        said = dict(zip(labels, map(str, values), strict=True))
        family.add_sample(family.name, said, float(number))
    return family


def _filled(family: CounterMetricFamily | GaugeMetricFamily, rows: Rows) -> Metric:
    for *values, number in sorted(rows):
        family.add_metric([str(value) for value in values], float(number))
    return family
