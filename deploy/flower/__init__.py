"""Flower: one for all services. It hears what the workers tell, and can tell them nothing."""
