"""Addresses of the shipping service."""

from django.urls import path

from polder.api import addresses as _registers_converters  # noqa: F401
from polder.api.index import api_index
from polder.observability.urls import common_urls
from shipping_service import api

urlpatterns = [
    path("api/", api_index),
    path("api/shipments/", api.Shipments.as_view()),
    path("api/shipments/<id:order_id>/", api.OneShipment.as_view()),
    path("api/shipments/<id:order_id>/dispatch/", api.Dispatch.as_view()),
    path("api/shipments/<id:order_id>/deliver/", api.Deliver.as_view()),
    *common_urls,
]

handler400 = "polder.api.problem_responses.bad_request"
handler403 = "polder.api.problem_responses.permission_denied"
handler404 = "polder.api.problem_responses.not_found"
handler500 = "polder.api.problem_responses.server_error"
