"""Ports for servers of the tests."""

import random
import socket


def free_port() -> int:
    """A free one that the system gives to no client: one connecting to a dead server's port may be given that port."""
    while True:
        port = random.randrange(20_000, 32_000)
        with socket.socket() as free:
            try:
                free.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
