"""Addresses of the inventory service."""

from django.urls import path, register_converter
from django.urls.converters import StringConverter

from common.status.urls import common_urls
from common.web import addresses as _registers_converters  # noqa: F401
from common.web.index import api_index
from inventory_service import api
from inventory_service.shapes import PRODUCT_ID


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

handler400 = "common.web.problem_responses.bad_request"
handler403 = "common.web.problem_responses.permission_denied"
handler404 = "common.web.problem_responses.not_found"
handler500 = "common.web.problem_responses.server_error"
