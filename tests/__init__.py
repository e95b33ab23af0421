"""Tests across services. The tests of one service are in its own folder, those of
the library in tests/library."""
