"""A name that the broker's rights would not fit is refused before anything is declared."""

from __future__ import annotations

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.test import override_settings

from polder import this_service


@pytest.mark.parametrize(
    ("service", "publishers"), [("book_shop", []), ("Books", []), ("books", ["web2"])]
)
def test_no_name_for_a_service(
    monkeypatch: pytest.MonkeyPatch, service: str, publishers: list[str]
) -> None:
    monkeypatch.setattr(this_service, "subscribes_to", lambda: publishers)
    with (
        override_settings(POLDER={**this_service.said(), "SERVICE": service}),
        pytest.raises(CommandError, match="no name for a service"),
    ):
        call_command("topology")
