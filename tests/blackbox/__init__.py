"""Polder as one sees it from outside: over HTTP, in its databases, on the wire, at its admin.

`demo` and `tests` share it. Whoever judges a shop by it must not ask the code that is judged:
nothing here imports `common`, a service or `deploy`, and the import rules see to that.
"""
