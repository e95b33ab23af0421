"""How long to wait before starting a program again that died."""

import time

FIRST_SECONDS = 0.5
LONGEST_SECONDS = 30.0
HEALTHY_SECONDS = 60.0


class Backoff:
    """Doubles with every death; forgets them when the program has lived for a minute."""

    def __init__(self) -> None:
        self._delay = FIRST_SECONDS
        self._begun = 0.0
        self._over = 0.0

    def begun(self) -> None:
        self._begun = time.monotonic()

    def ended(self) -> None:
        now = time.monotonic()
        if now - self._begun >= HEALTHY_SECONDS:
            self._delay = FIRST_SECONDS
        self._over = now + self._delay
        self._delay = min(2 * self._delay, LONGEST_SECONDS)

    def is_over(self) -> bool:
        return time.monotonic() >= self._over
