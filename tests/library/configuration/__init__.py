"""Tests of the configuration: every variable in every form."""
