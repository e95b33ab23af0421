"""Addresses of the inventory service."""

from django.urls import path

from common.status.urls import common_urls
from inventory_service import api

urlpatterns = [
    path("api/products/", api.Products.as_view()),
    path("api/products/<str:product_id>/", api.OneProduct.as_view()),
    path("api/products/<str:product_id>/receive/", api.Receive.as_view()),
    *common_urls,
]

handler400 = "common.web.problem_responses.bad_request"
handler403 = "common.web.problem_responses.permission_denied"
handler404 = "common.web.problem_responses.not_found"
handler500 = "common.web.problem_responses.server_error"
