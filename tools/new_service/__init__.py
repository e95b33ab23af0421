"""`manage.py new-service` and `manage.py remove-service`: a service of the shop's shape, written
from a template and the contracts of what it is to know."""
