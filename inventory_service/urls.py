"""Addresses of the inventory service."""

from django.urls import path, register_converter
from django.urls.converters import StringConverter

from inventory_service import api
from inventory_service.serializers import PRODUCT_ID
from polder.api import addresses as _registers_converters  # noqa: F401
from polder.api.index import api_index
from polder.observability.urls import common_urls


class ProductIdConverter(StringConverter):
    """A legal product id; anything else, a NUL for one, is not even looked for."""

    regex = PRODUCT_ID.removeprefix("^").removesuffix("$")


register_converter(ProductIdConverter, "sku")

urlpatterns = [
    path("api/", api_index),
    path("api/products/", api.Products.as_view()),
    path("api/products/<sku:product_id>/", api.OneProduct.as_view()),
    path("api/products/<sku:product_id>/receive/", api.Receive.as_view()),
    path("api/products/<sku:product_id>/adjust/", api.Adjust.as_view()),
    path("api/products/<sku:product_id>/retire/", api.Retire.as_view()),
    path("api/reservations/", api.Reservations.as_view()),
    path("api/reservations/<id:order_id>/", api.OneReservation.as_view()),
    path("api/movements/", api.Movements.as_view()),
    path("api/movements/<int:movement_id>/", api.OneMovement.as_view()),
    *common_urls,
]

handler400 = "polder.api.problem_responses.bad_request"
handler403 = "polder.api.problem_responses.permission_denied"
handler404 = "polder.api.problem_responses.not_found"
handler500 = "polder.api.problem_responses.server_error"
