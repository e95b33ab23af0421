"""What is wrong leads to what to do, in the service itself."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from polder.admin import runbooks
from polder.conditions import conditions
from polder.testing.admin_pages import staff_client

pytestmark = pytest.mark.django_db


def test_each_condition_has_its_place_on_the_page() -> None:
    page = staff_client(name="nobody").get("/admin/runbooks/").content.decode()

    headings = set(re.findall(r'<h[23] id="([\w-]+)"', page))
    assert {one.runbook for one in conditions.values()} <= headings
    assert "<table>" in page
    inside = set(re.findall(r'<a href="#([\w-]+)"', page.partition("polder-runbooks")[2]))
    assert inside
    assert inside <= headings


def test_it_leads_nowhere_that_is_not_there() -> None:
    page = str(runbooks._page())

    assert not re.findall(r'href="(?!#|https?:)', page)
    assert "<img" not in page


def test_one_has_to_be_signed_in() -> None:
    assert Client().get("/admin/runbooks/").status_code == 302
