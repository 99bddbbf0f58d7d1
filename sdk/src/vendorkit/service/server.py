"""The HTTP server around the application: the port, the signals, the end."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
from collections.abc import Callable, Iterator
from types import FrameType

import uvicorn
from starlette.applications import Starlette

from vendorkit.errors import BadInput, Fault, Unavailable

FINISH_SECONDS = 10
"""Requests in work when the service is told to stop get so long; Kubernetes kills after 30."""


def serve(app: Starlette, host: str, port: int, announce: Callable[[str], None] = lambda _: None) -> None:
    """Serve until SIGTERM or SIGINT: then finish what is in work, flush the log and return.

    Must be called in the main thread for the signals to arrive.

    Args:
        app: What `create_app` gave.
        host: Name or address to listen on.
        port: 0 takes a free one.
        announce: Is told the URL once requests are welcome.

    Raises:
        BadInput: The host or port is none.
        Unavailable: The port is taken or may not be used.
        KeyboardInterrupt: It was SIGINT.
    """
    with contextlib.closing(listen(host, port)) as listener:
        config = uvicorn.Config(
            app,
            lifespan="on",
            log_config=None,
            access_log=False,
            server_header=False,
            ws="none",
            timeout_graceful_shutdown=FINISH_SECONDS,
        )
        name = f"[{host}]" if ":" in host else host
        server = _Server(config, app, lambda: announce(f"http://{name}:{listener.getsockname()[1]}"))
        with _sigterm_is_no_crash():
            server.run(sockets=[listener])


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens.

    Raises:
        BadInput: The host or port is none.
        Unavailable: The port is taken or may not be used.
    """
    if not 0 <= port <= 65535:
        raise BadInput("There is no such port.", [Fault("--port", f"is {port}, expected 0 to 65535.")])
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except (OSError, UnicodeError) as error:
        raise BadInput("There is no such host.", [Fault("--host", f"is {host!r}: {error}.")]) from error
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(2048)
    except OSError as error:
        listener.close()
        fault = Fault(f"{host}:{port}", f"{error.strerror or error}.")
        fix = "Stop what uses it, or take another with --port (0 picks a free one)."
        raise Unavailable("The service cannot listen there.", [fault], fix=fix) from error
    return listener


class _Server(uvicorn.Server):
    """Tells when requests are welcome, and makes readiness false before anything is closed."""

    def __init__(self, config: uvicorn.Config, app: Starlette, announce: Callable[[], None]) -> None:
        super().__init__(config)
        self._service = app.state.service
        self._announce = announce

    async def main_loop(self) -> None:
        announcing = asyncio.create_task(self._announce_when_warm())
        await super().main_loop()
        announcing.cancel()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self._service.stopping = True
        super().handle_exit(sig, frame)

    async def _announce_when_warm(self) -> None:
        await self._service.warm.wait()
        self._announce()


@contextlib.contextmanager
def _sigterm_is_no_crash() -> Iterator[None]:
    """uvicorn raises the signal that ended it once more; SIGTERM shall be an ordinary end with exit code 0."""
    before = signal.signal(signal.SIGTERM, lambda *_: None)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
