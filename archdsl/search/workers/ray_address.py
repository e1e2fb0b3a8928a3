"""Whether a Ray cluster can be there, asked before Ray is: Ray itself tries for minutes to reach what is not there."""

import socket

from archdsl.diagnostics.record import UsageError

PATIENCE = 5.0
"""Seconds to reach a machine, and for it to answer."""
CLIENT = "ray://"
"""Of addresses that Ray's own client reaches, from outside the cluster."""
PORT = 6379
SETTINGS_FRAME = 4


def check_address(address: str) -> None:
    """Raise UsageError where nothing listens at `host:port`, or something that is not Ray."""
    if address.startswith(CLIENT):
        return
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65_535:
        raise UsageError(f"`{address}` is no address of a Ray cluster: write host:port, as 10.0.0.1:{PORT}, or auto")
    try:
        with socket.create_connection((host.strip("[]"), int(port)), PATIENCE) as connection:
            connection.settimeout(PATIENCE)
            greeting = _greeting(connection)
    except socket.gaierror:
        raise UsageError(f"there is no Ray cluster at {address}: the name `{host}` is not known") from None
    except TimeoutError:
        raise UsageError(f"there is no Ray cluster at {address}: it did not answer in {PATIENCE:g} s") from None
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise UsageError(f"there is no Ray cluster at {address}: {reason}; is `ray start --head` running?") from None
    # Ray speaks HTTP/2, in which a server greets first, with its settings.
    if len(greeting) < 4 or greeting[3] != SETTINGS_FRAME:
        raise UsageError(
            f"what answers at {address} is not Ray; its port is the one that `ray start` shows, often {PORT}"
        )


def _greeting(connection: socket.socket) -> bytes:
    try:
        return connection.recv(9)
    except TimeoutError:
        return b""
