"""The alerts for Prometheus: of every condition, on metrics that there are, with a page that there
is; and tried by promtool, where it is installed."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from django.test import Client

from polder.conditions import conditions

ROOT = Path(__file__).resolve().parents[2]
RULES = ROOT / "deploy/prometheus/polder.yml"


def test_of_every_condition_with_its_page() -> None:
    rules = RULES.read_text()
    found = re.findall(
        r'polder_condition\{name="([a-z-]+)".*?runbook: docs/operations.md#(\S+)', rules, re.DOTALL
    )

    # of each publisher by itself, by the metric that the condition is reckoned by
    [behind] = re.findall(
        r"expr: polder_publisher_silent_seconds > 20\n.*?operations.md#(\S+)", rules, re.DOTALL
    )
    assert {**dict(found), "behind": behind} == {
        one.name: one.runbook for one in conditions.values()
    }


def test_every_page_and_every_metric_is_there(client: Client, db: None) -> None:
    rules, metrics = RULES.read_text(), client.get("/metrics").content.decode()
    headings = re.findall(r"^##+ (.+)$", (ROOT / "docs/operations.md").read_text(), re.MULTILINE)
    anchors = {re.sub(r"[^a-z0-9 -]", "", one.lower()).replace(" ", "-") for one in headings}

    assert set(re.findall(r"operations\.md#(\S+)", rules)) <= anchors
    for name in set(re.findall(r"\bpolder_[a-z_]+", rules)):
        assert f"# TYPE {name} " in metrics, name


@pytest.mark.skipif(shutil.which("promtool") is None, reason="Debian's prometheus is not installed")
def test_they_begin_and_end() -> None:
    tests = str(Path(__file__).with_name("alerts.test.yml"))
    tried = subprocess.run(["promtool", "test", "rules", tests], capture_output=True, text=True)

    assert tried.returncode == 0, tried.stdout + tried.stderr
