"""How often one may ask: 429 beyond.

A key or a person: `<SERVICE>_REQUESTS_PER_SECOND` (1,000 when not set). Whoever shows no valid
credentials: a tenth of that, per address. REST framework throttles after it has let somebody in, so
who is not is counted where the 401 or 403 is made, in `problem_response`. Each process counts for
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
        self.seconds = wait_of(request)
        return self.seconds == 0

    def wait(self) -> float:
        return self.seconds


def wait_of(request: Request) -> float:
    """Counts a request: of its caller, or of its address when it has no valid credentials; 0, or in
    how many seconds the next may come."""
    return CALLERS.wait(caller(request)) if request.user else ADDRESSES.wait(address_of(request))


def address_of(request: Request | HttpRequest) -> str:
    return BaseThrottle().get_ident(request) or "unknown"  # type: ignore[arg-type]  # it reads META alone
