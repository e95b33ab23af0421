"""Who carries out effects is killed in the middle, again and again: none is lost, and each attempt
has the same body."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import defaultdict
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.db import connection, transaction
from django.utils import timezone

from common.contracts.orders import OrderShipped
from polder.effects.models import Intent
from polder.outbox.publish import publish
from polder.testing import eventually, make_event

ROOT = Path(__file__).resolve().parents[2]
# Each attempt is a line in a file, as a receiver would have it.
SENDER = """
import json, os, sys, time
import django
django.setup()
from polder.effects import declared
from polder.effects.carrying_out import carry_out_due
def note(key, body):
    with open(sys.argv[1], "a") as file:
        file.write(json.dumps([key, body]) + "\\n")
    time.sleep(0.002)  # until it has answered
one = declared.effects["mail_that_it_shipped"]
object.__setattr__(one, "carry_out", note)
carry_out_due(600)
"""


def has_lines(told: Path, number: int) -> bool:
    return told.read_text().count("\n") >= number


def sender(told: Path) -> subprocess.Popen[bytes]:
    url = urlsplit(os.environ["ORDER_DATABASE_URL"])
    url = url._replace(path=f"/{connection.settings_dict['NAME']}")
    variables = {"ORDER_DATABASE_URL": url.geturl(), "PYTHONPATH": f"{ROOT}:{ROOT}/common"}
    variables["DJANGO_SETTINGS_MODULE"] = "order_service.settings"
    return subprocess.Popen([sys.executable, "-c", SENDER, str(told)], env=os.environ | variables)


def test_a_thousand_effects_and_none_is_lost(committed: None, tmp_path: Path) -> None:
    carried_out_whoever_is_killed(tmp_path, 1_000, kills=3)


@pytest.mark.long
def test_ten_thousand_effects_by_two_senders(committed: None, tmp_path: Path) -> None:
    carried_out_whoever_is_killed(tmp_path, 10_000, kills=20, senders=2)


def carried_out_whoever_is_killed(
    folder: Path, number: int, *, kills: int, senders: int = 1
) -> None:
    # Given
    for _ in range(0, number, 1_000):
        with transaction.atomic():
            publish(*(make_event(OrderShipped) for _ in range(1_000)))
    assert Intent.objects.filter(state="waiting").count() == number
    (told := folder / "told").touch()

    # When its processes are killed wherever they are, and others begin
    for kill in range(1, kills + 1):
        processes = [sender(told) for _ in range(senders)]
        eventually(partial(has_lines, told, kill * number // (kills + 2)), seconds=300)
        for process in processes:
            process.kill()
            process.wait()
        Intent.objects.filter(state="waiting").update(due_at=timezone.now())  # the lease is over
    last = [sender(told) for _ in range(senders)]
    assert {process.wait(600) for process in last} == {0}

    # Then each was, and every attempt at one had the same body
    bodies = defaultdict(set)
    attempts = told.read_text().splitlines()
    for line in attempts:
        key, body = json.loads(line)
        bodies[key].add(json.dumps(body, sort_keys=True))
    assert len(bodies) == Intent.objects.filter(state="done").count() == number
    assert {len(one) for one in bodies.values()} == {1}
    print(f"{number:,} effects, {len(attempts):,} attempts, {kills} times killed")
