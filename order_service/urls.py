"""Addresses of the order service."""

from django.urls import path

from common.status.urls import common_urls
from common.web import addresses as _registers_converters  # noqa: F401
from common.web.index import api_index
from order_service import api

urlpatterns = [
    path("api/", api_index),
    path("api/orders/", api.Orders.as_view()),
    path("api/orders/<id:order_id>/", api.OneOrder.as_view()),
    path("api/orders/<id:order_id>/cancel/", api.Cancel.as_view()),
    path("api/products/", api.Products.as_view()),
    path("api/products/<key:product_id>/", api.OneProduct.as_view()),
    *common_urls,
]

handler400 = "common.web.problem_responses.bad_request"
handler403 = "common.web.problem_responses.permission_denied"
handler404 = "common.web.problem_responses.not_found"
handler500 = "common.web.problem_responses.server_error"
