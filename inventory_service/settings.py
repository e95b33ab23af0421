"""The inventory service: owns products and stock, and alone decides reservations."""

from common.settings import service_settings

globals().update(service_settings("inventory"))
