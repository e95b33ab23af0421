"""An operator at the admin: signs in and does what the pages offer, over HTTP."""

from __future__ import annotations

import http.client
import re
import urllib.request
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from http.cookiejar import CookieJar
from urllib.parse import urlencode

from tests.blackbox.shop import Shop, Unexpected

PARKED = "/admin/polder_inbox/parkedevent/"
EFFECTS = "/admin/polder_effects/intent/"


@dataclass
class Operator:
    """Signed in at one service's admin. Every page is asked once; without an answer nothing is
    known of what became of it."""

    base: str
    opener: urllib.request.OpenerDirector

    @classmethod
    def of(cls, shop: Shop, service: str) -> Operator:
        opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPCookieProcessor(CookieJar())
        )
        operator = cls(shop.variables[f"{service.upper()}_URL"], opener)
        credentials = {
            "username": shop.variables["ADMIN_USER"],
            "password": shop.variables["ADMIN_PASSWORD"],
            "next": PARKED,
        }
        if "id_username" in operator.post("/admin/login/", credentials):
            raise Unexpected(f"the admin of {service} lets nobody in")
        return operator

    def redrive(self, *parked: int, reason: str) -> str:
        """The page that the operator sees then; empty when there was no answer."""
        # an HTTP status of 500, too, is an OSError
        with suppress(OSError, http.client.HTTPException):
            return self.operate(PARKED, "redrive", parked, reason)
        return ""

    def operate(self, page: str, action: str, keys: Sequence[int], reason: str) -> str:
        """Chooses rows and an operation, and confirms it on the page that then asks. What is drawn
        there makes a form sent twice be carried out once. Raises OSError or HTTPException."""
        chosen = [("action", action), *(("_selected_action", str(key)) for key in keys)]
        drawn = re.search(r'name="drawn" value="([^"]+)"', self.post(page, chosen))
        if drawn is None:
            raise Unexpected(f"{page} does not ask before {action}")
        return self.post(
            page, [*chosen, ("confirmed", "1"), ("reason", reason), ("drawn", drawn[1])]
        )

    def post(self, page: str, fields: dict[str, str] | Sequence[tuple[str, str]]) -> str:
        """Raises OSError or HTTPException."""
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', self.open(page))
        assert token, f"{page} has no form"
        pairs = list(fields.items()) if isinstance(fields, dict) else list(fields)
        return self.open(page, urlencode([*pairs, ("csrfmiddlewaretoken", token[1])]).encode())

    def open(self, page: str, data: bytes | None = None) -> str:
        """Raises OSError or HTTPException."""
        with self.opener.open(self.base + page, data, timeout=30) as response:
            return str(response.read().decode())
