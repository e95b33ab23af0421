"""The same shop in containers. `docker compose up --build --wait` is all that it takes.

Two services of compose.yaml end once they have done their work: `secrets` draws the passwords into
volumes, and `prepare` does what has to be done before the processes start. `make up` calls Compose
and prints the addresses.
"""
