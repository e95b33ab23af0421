"""What the relay and the apply path reach, beside what one could write by hand. `make bench`."""
