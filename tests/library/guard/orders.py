"""The values of an order, as the tests of the guard write it."""

VALUES = {"customer_name": "Ada", "line1": "Dijk 1", "country": "NL", "lines": []}
