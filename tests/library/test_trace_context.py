"""`traceparent`, by its specification: what is none is as if it had not come."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from polder.contracts.trace_context import TraceContext

ROOT = Path(__file__).resolve().parents[2]

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


@pytest.mark.parametrize(
    "header", [f"00-{TRACE}-{SPAN}-01", f"cc-{TRACE}-{SPAN}-01", f"cc-{TRACE}-{SPAN}-01-what-comes"]
)
def test_it_is_read(header: str) -> None:
    found = TraceContext.read(header)

    assert found == (TRACE, SPAN, "01")
    assert str(found) == f"00-{TRACE}-{SPAN}-01"


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        f"00-{TRACE}-{SPAN}",
        f"00-{TRACE.upper()}-{SPAN}-01",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE}-{SPAN}-01-more",
        f"ff-{TRACE}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-01\n",
    ],
)
def test_it_is_none(header: str | None) -> None:
    assert TraceContext.read(header) is None


def test_nothing_is_imported_without_traces() -> None:
    # Given a service as the settings have it, without traces
    # When its parts that could trace are imported and used
    code = """
import django, sys
django.setup()
from uuid import uuid4
from polder.tracing import processing, publishing
from polder.tracing.requests import request_span
with request_span("GET", None, uuid4()) as span, processing.batch(1), processing.events([]):
    span.answered(200, "")
publishing.published([b"{}"], "order.events", publishing.now())
print([name for name in sys.modules if name.startswith("opentelemetry")])
"""
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)

    # Then nothing of OpenTelemetry is there
    assert ran.stdout == "[]\n", ran.stderr
