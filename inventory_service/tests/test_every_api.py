"""What holds of every handler of an API."""

from polder.testing.every_api import *  # noqa: F403
