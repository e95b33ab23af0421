"""Which scripts a page may run: those that the service itself serves, and no others."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from polder.testing.admin_pages import superuser_client

PAGES = ("/api/docs/", "/events/", "/problems/busy/", "/admin/login/")
OPERATORS = ("/admin/", "/ops/board/", "/admin/parked/", "/admin/auth/user/add/")
HANDLERS = re.compile(r"\son\w+=[\"']", re.IGNORECASE)
INLINE = re.compile(r"<script(?![^>]*\ssrc=)[^>]*>", re.IGNORECASE)


def policy(answer: Any) -> dict[str, str]:
    parts = answer["Content-Security-Policy"].split("; ")
    return dict(part.split(" ", 1) for part in parts)


@pytest.mark.parametrize("address", [*PAGES, *OPERATORS])
def test_no_page_runs_what_stands_in_it(db: None, address: str) -> None:
    answer = superuser_client().get(address, follow=True)

    assert answer.status_code == 200
    told, page = policy(answer), answer.content.decode()
    assert "'unsafe-inline'" not in told["script-src"]
    assert told["script-src"].split()[0] == "'self'"
    for name in ("default-src", "base-uri", "frame-ancestors"):
        assert told[name] == "'none'"
    for name in ("connect-src", "form-action", "font-src"):
        assert told[name] == "'self'"
    assert not INLINE.search(page)
    assert not HANDLERS.search(page)


@pytest.mark.parametrize("address", ["/events/", "/api/docs/", "/problems/busy/", "/api/"])
def test_only_the_admin_makes_functions_of_text(client: Client, db: None, address: str) -> None:
    assert policy(client.get(address))["script-src"] == "'self'"


def test_an_answer_that_is_an_error_has_it_too(client: Client, db: None) -> None:
    for address in ("/nothing", "/admin/nothing/"):
        assert policy(client.get(address))["default-src"] == "'none'"


def test_the_script_of_the_docs_is_a_file(client: Client, db: None) -> None:
    page = client.get(reverse("docs")).content.decode()
    [address] = re.findall(r'src="([^"]*\?script=[^"]*)"', page)

    script = client.get(address)

    assert script["Content-Type"].startswith("application/javascript")
    assert "SwaggerUIBundle" in script.content.decode()
