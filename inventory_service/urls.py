"""Addresses of the inventory service."""

from django.urls import path, re_path

from common.status.urls import common_urls
from inventory_service import api

PRODUCT_ID = api.PRODUCT_ID.removeprefix("^").removesuffix("$")  # anything else, a NUL for one, is not even looked for

urlpatterns = [
    path("api/products/", api.Products.as_view()),
    re_path(rf"^api/products/(?P<product_id>{PRODUCT_ID})/$", api.OneProduct.as_view()),
    re_path(rf"^api/products/(?P<product_id>{PRODUCT_ID})/receive/$", api.Receive.as_view()),
    *common_urls,
]

handler400 = "common.web.problem_responses.bad_request"
handler403 = "common.web.problem_responses.permission_denied"
handler404 = "common.web.problem_responses.not_found"
handler500 = "common.web.problem_responses.server_error"
