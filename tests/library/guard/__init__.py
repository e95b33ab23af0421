"""Tests of the guard: what a service owns cannot change without its event."""
