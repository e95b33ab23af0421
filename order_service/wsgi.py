"""The web process: gunicorn serves `application`."""

import os

from django.core.wsgi import get_wsgi_application

from polder.api.charset import in_utf8
from polder.api.chunked import with_length

os.environ["DJANGO_SETTINGS_MODULE"] = "order_service.settings"
application = with_length(in_utf8(get_wsgi_application()))
