"""A port for a server that cannot choose one by itself."""

from __future__ import annotations

import random
import socket

BELOW_THE_SYSTEMS_OWN = range(20_000, 32_000)
"""Linux gives connections, and listeners that ask for any port, one from 32768 on, by default."""


def free_port() -> int:
    """A port of this machine on which nobody listens, and which the system gives nobody meanwhile."""
    while True:
        with socket.socket() as probe:
            port = random.choice(BELOW_THE_SYSTEMS_OWN)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:  # taken
                continue
            return port
