"""Text of others is shown as it is: nothing in it turns it around, hides or steers a terminal."""

from __future__ import annotations

import logging
from io import StringIO

import pytest
from django.core.management import call_command
from django.http import HttpResponse

from polder.admin.visibly import visibly
from polder.inbox.models import ParkedEvent
from polder.observability.logs import Readable
from polder.plural import plural
from polder.testing.admin_pages import detail_address, list_address, superuser_client
from polder.visible import visible
from tests.library.test_redrive_command import park

REVERSED = "a\u202egpj.exe"
STEERING = "\x1b]0;all is well\x07"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (REVERSED, "a[U+202E]gpj.exe"),
        ("p1\u200b", "p1[U+200B]"),
        ("\x1b[2J", "[U+001B][2J"),
        ("one\n\ttwo", "one\n\ttwo"),
        ("one\r\ntwo", "one\r\ntwo"),
        ("one\rtwo", "one[U+000D]two"),
        ("می‌خواهم \u200f\u200d é 東京 👩‍👧", "می‌خواهم \u200f\u200d é 東京 👩‍👧"),
    ],
)
def test_what_would_not_be_seen_is_told(text: str, shown: str) -> None:
    assert visible(text) == shown


def test_what_is_edited_stays_as_it_is() -> None:
    @visibly
    def page() -> HttpResponse:
        return HttpResponse(f"<textarea rows=2>a\r\n{REVERSED}</textarea><p>{REVERSED}</p>")

    assert page().content.decode() == (
        f"<textarea rows=2>a\r\n{REVERSED}</textarea><p>a[U+202E]gpj.exe</p>"
    )


@pytest.fixture
def parked(db: None, monkeypatch: pytest.MonkeyPatch) -> ParkedEvent:
    park(monkeypatch, 1)
    ParkedEvent.objects.update(type=REVERSED, subject=REVERSED, error=STEERING)
    return ParkedEvent.objects.get()


def test_it_is_so_in_the_admin(parked: ParkedEvent) -> None:
    client = superuser_client()

    for address in ("/admin/", "/admin/parked/", list_address(ParkedEvent), detail_address(parked)):
        page = client.get(address).content.decode()
        assert "a[U+202E]gpj.exe" in page, address
        assert f">{REVERSED}<" not in page
    # what is copied, and what a link leads to, is the text itself
    assert f'data-copy="{REVERSED}"' in page
    assert "key=a%E2%80%AEgpj.exe" in page


def test_it_is_so_in_a_terminal(parked: ParkedEvent) -> None:
    ParkedEvent.objects.update(type=STEERING)
    for command in (["ops", "parked"], ["redrive", "--all", "--dry-run"]):
        said = StringIO()
        call_command(*command, stdout=said)
        assert "\x1b]0" not in said.getvalue()
        assert "[U+001B]" in said.getvalue()


def test_it_is_so_in_a_log_that_a_person_reads() -> None:
    record = logging.LogRecord("l", logging.INFO, "f", 1, "of %s", (STEERING,), None)

    assert "\x1b" not in Readable().format(record)


@pytest.mark.parametrize(
    ("number", "said"), [(0, "0 rows"), (1, "1 row"), (2, "2 rows"), (5, "5 or more rows")]
)
def test_one_is_no_plural(number: int, said: str) -> None:
    assert plural(number, "row", "rows", most=5) == said
