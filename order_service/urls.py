"""Addresses of the order service."""

from django.urls import path

from order_service import api
from polder.api import addresses as _registers_converters  # noqa: F401
from polder.api.index import api_index
from polder.observability.urls import common_urls

urlpatterns = [
    path("api/", api_index),
    path("api/orders/", api.Orders.as_view()),
    path("api/orders/<id:order_id>/", api.OneOrder.as_view()),
    path("api/orders/<id:order_id>/cancel/", api.Cancel.as_view()),
    path("api/products/", api.Products.as_view()),
    path("api/products/<key:product_id>/", api.OneProduct.as_view()),
    *common_urls,
]

handler400 = "polder.api.problem_responses.bad_request"
handler403 = "polder.api.problem_responses.permission_denied"
handler404 = "polder.api.problem_responses.not_found"
handler500 = "polder.api.problem_responses.server_error"
