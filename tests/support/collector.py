"""A real OTLP/HTTP collector in a thread, which keeps each export as it came."""

import threading
import time
from types import TracebackType

import uvicorn

from services.cli.trace_view import SpanStore, receiver
from shared.platform.embedded.server import choose_port


class Exports(SpanStore):
    """Spans by trace, and the bytes of every export."""

    def __init__(self) -> None:
        super().__init__()
        self.bodies: list[bytes] = []

    def add(self, body: bytes) -> None:
        """Takes an export request."""
        self.bodies.append(body)
        super().add(body)


class Collector:
    """Collects between ``with`` and its end."""

    def __init__(self) -> None:
        self.spans = Exports()
        self.port = choose_port()
        config = uvicorn.Config(receiver(self.spans), host="127.0.0.1", port=self.port, log_config=None)
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, daemon=True)

    @property
    def url(self) -> str:
        """What ``PRIORAUTH_OTLP_ENDPOINT`` is set to."""
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> "Collector":
        self._thread.start()
        deadline = time.monotonic() + 20
        while not self._server.started:
            assert time.monotonic() < deadline, "the collector did not start"
            self._thread.join(0.02)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.should_exit = True
        self._thread.join(20)
