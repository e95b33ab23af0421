"""The shipping service: prepares shipments from its own copies, and alone decides between cancel
and dispatch."""

from common.settings import service_settings

globals().update(service_settings("shipping"))
