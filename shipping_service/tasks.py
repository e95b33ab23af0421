"""What beat runs, in the housekeeping worker."""

from __future__ import annotations

from common.intake.housekeeping import EVERY_SERVICE

SCHEDULE = {**EVERY_SERVICE}
