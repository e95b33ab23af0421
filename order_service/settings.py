"""The order service: takes orders, and follows what inventory and shipping decide about them."""

from datetime import timedelta

from common.settings import service_settings
from order_service.variables import VARIABLES

_settings = service_settings("order", VARIABLES, jobs={"deadlines": 60})
globals().update(_settings)

ORDER_FLAG_AFTER: timedelta = _settings["ORDER_FLAG_AFTER"]
ORDER_CANCEL_AFTER: timedelta = _settings["ORDER_CANCEL_AFTER"]
