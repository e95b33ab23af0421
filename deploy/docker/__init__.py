"""The same shop in containers: compose.yaml, its image, and what `make up` does when a Docker engine answers.

`python3 -m deploy.docker` writes the passwords and variables that compose.yaml reads (`files`); after that `docker
compose up --build --wait` is enough. Inside, the one-shot container `prepare` does what has to be done before the
processes start (`prepare`). `make up` does both and watches (`stack`, over `client`); `engine` finds out whether Docker
can be used at all.
"""
