"""Requests that no careful client sends, at every address."""

from polder.testing.odd_requests import *  # noqa: F403
