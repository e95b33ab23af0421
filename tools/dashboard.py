"""The dashboard for Grafana, from one line for each panel; `python -m tools.pages` writes it."""

from __future__ import annotations

import json
from typing import Any, NamedTuple


class Panel(NamedTuple):
    title: str
    expression: str
    legend: str
    unit: str = "short"
    kind: str = "timeseries"
    red_from: float | None = None


PANELS = (
    Panel("Alarms", 'count(ALERTS{alertstate="firing"}) or vector(0)', "", kind="stat", red_from=1),
    Panel("Parked", "sum(polder_parked)", "", kind="stat", red_from=1),
    Panel("Held", "sum(polder_outbox_held)", "", kind="stat", red_from=1),
    Panel("Drift", "sum(polder_drift_open)", "", kind="stat", red_from=1),
    Panel("Regressed", "sum(polder_regressed_open)", "", kind="stat", red_from=1),
    Panel("Not in order", 'sum(polder_condition{state!="ok"})', "", kind="stat", red_from=1),
    Panel(
        "Published, a second",
        "sum by (service) (rate(polder_publish_seconds_count[1m]))",
        "{{service}}",
    ),
    Panel(
        "Processed, a second",
        "sum by (service, outcome) (rate(polder_deliveries_total[1m])) > 0 "
        "or sum by (service) (rate(polder_deliveries_total[1m]))",
        "{{service}} {{outcome}}",
    ),
    Panel(
        "Lag, p95",
        "histogram_quantile(0.95, sum by (service, publisher, le) "
        "(rate(polder_lag_seconds_bucket[5m])))",
        "{{service}} of {{publisher}}",
        "s",
    ),
    Panel(
        "Behind their publishers, at most",
        "polder_replica_behind_seconds",
        "{{service}} of {{publisher}}",
        "s",
        red_from=20,
    ),
    Panel(
        "Oldest unpublished",
        "polder_outbox_oldest_unpublished_seconds",
        "{{service}}",
        "s",
        "timeseries",
        15,
    ),
    Panel("Waiting in queues", "polder_queue_waiting", "{{queue}}"),
    Panel(
        "Published and not processed, of the same minutes",
        "sum by (publisher) (label_replace("
        'polder_recent_published, "publisher", "$1", "service", "(.+)")) '
        "- on (publisher) group_right () sum by (service, publisher) (polder_recent_processed)",
        "{{service}} of {{publisher}}",
    ),
    Panel(
        "Replicas filled", "polder_replica_filled_ratio", "{{service}} {{replica}}", "percentunit"
    ),
    Panel(
        "Events in a batch",
        "sum by (service) (rate(polder_batch_events_sum[5m])) "
        "/ sum by (service) (rate(polder_batch_events_count[5m]))",
        "{{service}}",
    ),
    Panel("The ledger reaches back", "polder_ledger_reach_seconds", "{{service}}", "s"),
    Panel("Partitions ahead", "polder_partition_ahead_seconds", "{{service}} {{table}}", "s"),
    Panel("Size of the database", "polder_database_bytes", "{{service}}", "bytes"),
    Panel(
        "Until the broker blocks its publishers: disk",
        "rabbitmq_disk_space_available_bytes - rabbitmq_disk_space_available_limit_bytes",
        "disk",
        "bytes",
    ),
    Panel(
        "The broker's memory, of its limit",
        "rabbitmq_process_resident_memory_bytes / rabbitmq_resident_memory_limit_bytes",
        "memory",
        "percentunit",
        red_from=1,
    ),
    Panel(
        "Since each job ended well",
        "time() - polder_job_last_success_timestamp_seconds < 1e9",
        "{{service}} {{exported_job}}",
        "s",
    ),
)


def drawn() -> str:
    places, panels = _places(), []
    for number, panel in enumerate(PANELS, start=1):
        panels.append(_panel(number, panel, places[number - 1]))
    board = {
        "uid": "polder",
        "title": "Polder",
        "tags": ["polder"],
        "schemaVersion": 39,
        "refresh": "10s",
        "time": {"from": "now-1h", "to": "now"},
        "panels": panels,
    }
    lines = [f" {json.dumps(name)}: {_lines(value)}" for name, value in board.items()]
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _lines(value: Any) -> str:
    """A line for each panel, so that a change of one is read as one."""
    if not isinstance(value, list):
        return json.dumps(value)
    return "[\n  " + ",\n  ".join(map(json.dumps, value)) + "\n ]"


def _places() -> list[dict[str, int]]:
    """Numbers in one row above, graphs below, two in a row."""
    numbers = sum(panel.kind == "stat" for panel in PANELS)
    found = []
    for place, panel in enumerate(PANELS):
        if panel.kind == "stat":
            found.append({"x": 4 * place, "y": 0, "w": 4, "h": 4})
        else:
            row, column = divmod(place - numbers, 2)
            found.append({"x": 12 * column, "y": 4 + 8 * row, "w": 12, "h": 8})
    return found


def _panel(number: int, panel: Panel, place: dict[str, int]) -> dict[str, Any]:
    steps: list[dict[str, Any]] = [{"color": "green", "value": None}]
    if panel.red_from is not None:
        steps.append({"color": "red", "value": panel.red_from})
    return {
        "id": number,
        "type": panel.kind,
        "title": panel.title,
        "datasource": {"type": "prometheus", "uid": "polder"},
        "gridPos": place,
        "fieldConfig": {
            "defaults": {
                "unit": panel.unit,
                "min": 0,
                "thresholds": {"mode": "absolute", "steps": steps},
            },
            "overrides": [],
        },
        "targets": [{"refId": "A", "expr": panel.expression, "legendFormat": panel.legend}],
    }
