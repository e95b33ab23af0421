"""`make doctor`: what this machine lacks for `make up`, and the mend for each.

It works before anything is installed: nothing here, nor in the modules of `deploy.local` that it imports, needs more
than the standard library of Python 3.8. `make up` asks the same modules: `installed`, `ports`, `space` and venv.sh.
"""
