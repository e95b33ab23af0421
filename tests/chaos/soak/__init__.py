"""`make soak`: a steady rate of orders for half an hour or longer; what every process, connection
and disk did meanwhile."""
