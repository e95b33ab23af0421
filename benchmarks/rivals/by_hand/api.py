"""The order service's API: a bare view, and one statement."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import uuid4

from django.db import connection
from django.urls import path
from psycopg.types.json import Jsonb
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView
from uuid_utils.compat import uuid7

PLACE = Path(__file__).with_name("place.sql").read_text()


class Orders(APIView):
    def post(self, request: Request) -> Response:
        asked: Any = request.data
        address, order_id = asked["shippingAddress"], uuid7()
        values = {
            **address,
            **asked["customer"],
            "id": order_id,
            "event": uuid4(),
            "products": Jsonb(asked["products"]),
            "address": Jsonb(address),
        }
        with connection.cursor() as cursor:
            cursor.execute(PLACE, values)
            if not cursor.rowcount:
                return Response({"title": "unknown product"}, status=409)
        return Response({"orderId": order_id, "status": "pending"}, status=201)


urlpatterns = [path("api/orders/", Orders.as_view())]
