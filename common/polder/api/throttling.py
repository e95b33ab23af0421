"""How often one may ask: 429 beyond.

A key or a person: `<SERVICE>_REQUESTS_PER_SECOND` (1,000 when not set). Whoever shows no valid
credentials: a tenth of that, per address. REST framework throttles after it has authenticated, so
what fails there is counted where its 401 is made, in `problem_response`. Each process counts for
itself. Behind `<SERVICE>_PROXIES` (0 when not set) proxies, the address is the one that the
outermost of them has seen.
"""

from __future__ import annotations

from django.http import HttpRequest
from rest_framework.request import Request
from rest_framework.settings import api_settings
from rest_framework.throttling import BaseThrottle

from polder.api.keys import caller
from polder.api.rate import Rate

CALLERS = Rate(float(api_settings.DEFAULT_THROTTLE_RATES["caller"] or 0))
ADDRESSES = Rate(float(api_settings.DEFAULT_THROTTLE_RATES["address"] or 0))


class PerCaller(BaseThrottle):
    """REST framework makes one for each request (while it loads its views, so nothing of those may
    be imported here)."""

    seconds = 0.0

    def allow_request(self, request: Request, view: object) -> bool:
        self.seconds = CALLERS.wait(caller(request)) if request.user else wait_of_address(request)
        return self.seconds == 0

    def wait(self) -> float:
        return self.seconds


def wait_of_address(request: Request) -> float:
    """Counts a request without valid credentials; 0, or in how many seconds its address may try
    again."""
    return ADDRESSES.wait(address_of(request))


def address_of(request: Request | HttpRequest) -> str:
    return BaseThrottle().get_ident(request) or "unknown"  # type: ignore[arg-type]  # it reads META alone
