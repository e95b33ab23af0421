"""The order service: takes orders, and follows what inventory decides about them."""

from common.settings import service_settings

globals().update(service_settings("order"))

SUBSCRIBES_TO = ["inventory"]
