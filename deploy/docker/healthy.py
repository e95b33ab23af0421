"""`healthy.py PORT PATH`: ends with 0 when a GET is answered with 200. A container's health check;
it says why not."""

import http.client
import sys

if __name__ == "__main__":
    port, path = sys.argv[1:]
    try:
        connection = http.client.HTTPConnection("127.0.0.1", int(port), timeout=3)  # by no proxy
        connection.request("GET", path)
        answer = connection.getresponse()
        sys.exit(None if answer.status == 200 else f"{answer.status} {answer.read(1000)!r}")
    except (OSError, http.client.HTTPException) as error:
        sys.exit(str(error))
