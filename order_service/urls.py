"""Addresses of the order service."""

from django.urls import path
from rest_framework.routers import SimpleRouter

from order_service import api
from polder.api import addresses as _registers_converters  # noqa: F401
from polder.api.index import api_index
from polder.urls import common_urls

router = SimpleRouter(use_regex_path=False)
router.register("api/orders", api.OrderViewSet, basename="order")
router.register("api/products", api.ProductViewSet, basename="product")

urlpatterns = [
    path("api/", api_index),
    *router.urls,
    *common_urls,
]

handler400 = "polder.api.problem_responses.bad_request"
handler403 = "polder.api.problem_responses.permission_denied"
handler404 = "polder.api.problem_responses.not_found"
handler500 = "polder.api.problem_responses.server_error"
