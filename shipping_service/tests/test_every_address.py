"""Who is let in at every address, with a row in every table."""

from polder.testing.every_address import *  # noqa: F403
from shipping_service.tests.test_admin import admin

every_row = admin
