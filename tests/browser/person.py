"""Somebody at a browser: signs in, looks at pages, and notices what the browser complains of."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.blackbox.shop import Shop

PATIENCE = 120_000  # milliseconds, for whatever is waited for on a page


@contextmanager
def browser() -> Iterator[Any]:
    """Debian's chromium, without a window. Skips where it, or playwright, is not installed."""
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("chromium is not installed: `make browser` does it")
    options = [] if os.geteuid() else ["--no-sandbox"]  # root may not have one
    with api.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=program, args=options)
        try:
            yield chromium
        finally:
            chromium.close()


class Person:
    """`page` is playwright's. `complaints` are what stands in the browser's console, and answers
    that were errors."""

    def __init__(self, chromium: Any, shop: Shop, **looks: Any) -> None:
        self.shop, self.complaints = shop, list[str]()
        self.page = chromium.new_context(**looks).new_page()
        self.page.set_default_timeout(PATIENCE)
        self.page.on("console", self._heard)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("response", self._answered)

    def sign_in(self, service: str) -> None:
        self.base = self.shop.variables[f"{service.upper()}_URL"]
        self.page.goto(f"{self.base}/admin/login/")
        self.page.fill("#id_username", self.shop.variables["ADMIN_USER"])
        self.page.fill("#id_password", self.shop.variables["ADMIN_PASSWORD"])
        self.page.keyboard.press("Enter")
        self.page.wait_for_url(f"{self.base}/admin/")

    def open(self, path: str) -> None:
        self.page.goto(self.base + path)

    def follow(self, link: str) -> None:
        """By what people read on it; the first."""
        self.page.get_by_role("link", name=link).first.click()

    def press(self, button: str) -> None:
        self.page.get_by_role("button", name=button).click()

    def sees(self, text: str, within: str = "body") -> None:
        """Waits until it is there."""
        self.page.locator(within).get_by_text(text).first.wait_for()

    def give_reason(self, reason: str, button: str) -> None:
        self.page.fill("#id_reason", reason)
        self.press(button)

    def fits(self) -> bool:
        """Whether nothing has to be moved sideways."""
        wide: bool = self.page.evaluate(
            "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
        )
        return wide

    def _heard(self, message: Any) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(f"{self.page.url}: {message.text}")

    def _answered(self, response: Any) -> None:
        if response.status >= 400:
            self.complaints.append(f"{response.url}: {response.status}")
