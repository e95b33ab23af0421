"""The order service: takes orders, and follows what inventory and shipping decide about them."""

from datetime import timedelta

from common.settings import service_settings
from order_service.variables import VARIABLES

_settings = service_settings("order", VARIABLES)
globals().update(_settings)

JOBS = {"deadlines": 60}  # periodic ones of its own, each with the seconds between two runs

ORDER_FLAG_AFTER: timedelta = _settings["ORDER_FLAG_AFTER"]
ORDER_CANCEL_AFTER: timedelta = _settings["ORDER_CANCEL_AFTER"]
