"""Tests of how Polder is run. `make chaos kind=startup` tests more, on copies of this machine."""
