"""The order service: takes orders, and follows what inventory and shipping decide about them."""

from datetime import timedelta

import environ

from common.settings import service_settings

globals().update(service_settings("order"))

SUBSCRIBES_TO = ["inventory", "shipping"]

JOBS = {"deadlines": 60}  # periodic ones of its own, each with the seconds between two runs

# An order that nobody decides about: when people are told, and when it is cancelled.
ORDER_FLAG_AFTER = timedelta(seconds=environ.Env().int("ORDER_FLAG_AFTER_SECONDS", default=15 * 60))
ORDER_CANCEL_AFTER = timedelta(seconds=environ.Env().int("ORDER_CANCEL_AFTER_SECONDS", default=24 * 3600))
