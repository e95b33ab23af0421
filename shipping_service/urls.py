"""Addresses of the shipping service."""

from django.urls import path

from common.status.urls import common_urls
from common.web import addresses as _registers_converters  # noqa: F401
from common.web.index import api_index
from shipping_service import api

urlpatterns = [
    path("api/", api_index),
    path("api/shipments/", api.Shipments.as_view()),
    path("api/shipments/<id:order_id>/", api.OneShipment.as_view()),
    path("api/shipments/<id:order_id>/dispatch/", api.Dispatch.as_view()),
    path("api/shipments/<id:order_id>/deliver/", api.Deliver.as_view()),
    *common_urls,
]

handler400 = "common.web.problem_responses.bad_request"
handler403 = "common.web.problem_responses.permission_denied"
handler404 = "common.web.problem_responses.not_found"
handler500 = "common.web.problem_responses.server_error"
