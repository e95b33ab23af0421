"""A log line is one line of JSON, whatever was said."""

from __future__ import annotations

import json
import logging
import sys

import pytest

from polder.observability.logs import JsonLines


def line(message: str, *args: object, **options: object) -> str:
    logger = logging.getLogger("polder.test")
    options.setdefault("exc_info", None)
    record = logger.makeRecord(
        logger.name, logging.WARNING, "f", 1, message, args, options["exc_info"]
    )
    return JsonLines().format(record)


def test_it_says_what_when_who(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POLDER_PROCESS", "polder:order-relay")

    said = json.loads(line("%s are late", 3))

    assert said.pop("timestamp").endswith("Z")
    assert isinstance(said.pop("pid"), int)
    assert said == {
        "event": "3 are late",
        "level": "warning",
        "logger": "polder.test",
        "process": "order-relay",
    }


@pytest.mark.parametrize("text", ["two\nlines", '"quoted"', "\ud800", "\x00", "é"])
def test_it_is_one_line(text: str) -> None:
    said = line("%s", text)

    assert said.splitlines() == [said]
    assert json.loads(said)["event"] == text


def test_an_error_comes_with_its_traceback() -> None:
    try:
        raise ValueError("two\nlines")
    except ValueError:
        said = line("it failed", exc_info=sys.exc_info())

    assert said.splitlines() == [said]
    assert json.loads(said)["exception"].startswith("Traceback")
