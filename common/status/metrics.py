"""`/metrics`, for Prometheus: read from the database at each scrape, so that it is the same whichever process answers.

Open without a key, as /livez is: there are counts in it, and names of services, and nothing about any person. Block it at the proxy where even
that is too much.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db import Error
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_1_0_0
from prometheus_client.registry import Collector

from common.conditions import State
from common.status import measures
from common.status.health import conditions_now
from common.web.problem_responses import only_safe


@only_safe
@never_cache
def metrics(request: HttpRequest) -> HttpResponse:
    """503 when the database does not answer in time: no number is better than an old one."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_FromTheDatabase())
    try:
        return HttpResponse(generate_latest(registry), CONTENT_TYPE_PLAIN_1_0_0)
    except Error as error:
        return HttpResponse(f"# {str(error).strip()}\n", "text/plain; charset=utf-8", 503)


class _FromTheDatabase(Collector):
    def collect(self) -> Iterable[Metric]:
        statements = (measures.UNPUBLISHED, measures.OLDEST_UNPUBLISHED, measures.HELD, measures.DELIVERIES, measures.PARKED)
        [[unpublished], oldest, [held], deliveries, parked, [drift], applied] = measures.measured(*statements, measures.DRIFT, measures.LAST_APPLIED)
        [regressed] = measures.measured(measures.REGRESSED)
        counted = f"counted up to {measures.MOST_COUNTED}"
        yield _gauge("outbox_unpublished", f"Events that the relay has yet to publish, {counted}.", [unpublished])
        yield _gauge("outbox_oldest_unpublished_seconds", "Age of the oldest of them; 0 when there is none.", oldest or [(0,)])
        yield _gauge("outbox_held", f"Events that the broker refused and that wait for an operator, {counted}.", [held])
        yield _deliveries(deliveries)
        yield _gauge("parked", f"Messages parked now, {counted}.", parked, "reason")
        yield _gauge("drift_open", "Replicas found to differ from their owner's word, and not repaired.", [drift])
        yield _gauge("regressed_open", "Aggregates whose owner sends older versions than are known here: its past came back.", regressed, "owner")
        newest = f"When an event was last applied, among the newest {measures.NEWEST}."
        yield _gauge("last_applied_timestamp_seconds", newest, applied, "publisher")
        yield _gauge("condition", "1 for the state that each condition is in, as /readyz tells them; 0 for the others.", _states(), "name", "state")
        yield _gauge("partition_days_ahead", "For how many days there are partitions.", measures.days_ahead().items(), "table")


def _states() -> list[tuple[str, State, bool]]:
    standings = conditions_now()
    return [(standing.condition.name, state, standing.finding.state is state) for standing in standings for state in State]


def _gauge(name: str, text: str, rows: Iterable[tuple[object, ...]], *labels: str) -> Metric:
    """Rows are the labels' values and then the number."""
    family = GaugeMetricFamily(f"polder_{name}", text, labels=labels)
    _fill(family, rows)
    return family


def _deliveries(rows: measures.Rows) -> Metric:
    text = "Deliveries from the broker, each counted once by how it ended."
    family = CounterMetricFamily("polder_deliveries", text, labels=("publisher", "outcome"))
    _fill(family, rows)
    return family


def _fill(family: CounterMetricFamily | GaugeMetricFamily, rows: Iterable[tuple[Any, ...]]) -> None:
    for *values, number in rows:
        family.add_metric([str(value) for value in values], float(number))
