"""Addresses of the inventory service."""

from django.urls import path, register_converter
from django.urls.converters import StringConverter
from rest_framework.routers import SimpleRouter

from inventory_service import api
from inventory_service.serializers import PRODUCT_ID
from polder.api import addresses as _registers_converters  # noqa: F401
from polder.api.index import api_index
from polder.urls import common_urls


class ProductIdConverter(StringConverter):
    """A legal product id; anything else, a NUL for one, is not even looked for."""

    regex = PRODUCT_ID.removeprefix("^").removesuffix("$")


register_converter(ProductIdConverter, "sku")

router = SimpleRouter(use_regex_path=False)
router.register("api/products", api.ProductViewSet, basename="product")
router.register("api/reservations", api.ReservationViewSet, basename="reservation")
router.register("api/movements", api.MovementViewSet, basename="movement")

urlpatterns = [
    path("api/", api_index),
    *router.urls,
    *common_urls,
]

handler400 = "polder.api.problem_responses.bad_request"
handler403 = "polder.api.problem_responses.permission_denied"
handler404 = "polder.api.problem_responses.not_found"
handler500 = "polder.api.problem_responses.server_error"
