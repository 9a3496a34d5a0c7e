"""A small HTTP/1.1 client: kept-alive connections and next to no work of its own, since it shares the machine."""

import asyncio
from collections.abc import Mapping
from types import TracebackType

from benchmarks.stack import BenchmarkError

_Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class HttpClient:
    """Sends PAS requests to intake; opens as many connections as are in use at once, and keeps them."""

    def __init__(self, port: int, headers: Mapping[str, str]) -> None:
        self._port = port
        self._idle: list[_Connection] = []
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        self._head = (
            f"POST /fhir/Claim/$submit HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n{lines}"
            "Content-Type: application/fhir+json\r\nContent-Length: "
        ).encode()

    async def __aenter__(self) -> "HttpClient":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for _, writer in self._idle:
            writer.close()

    async def submit(self, body: bytes) -> bytes:
        """The answer's body.

        Raises:
            BenchmarkError: the answer is not 200.
        """
        connection = self._idle.pop() if self._idle else await asyncio.open_connection("127.0.0.1", self._port)
        reader, writer = connection
        writer.write(b"%b%d\r\n\r\n%b" % (self._head, len(body), body))
        head = await reader.readuntil(b"\r\n\r\n")
        answer = await reader.readexactly(_length(head))
        if not head.startswith(b"HTTP/1.1 200"):
            raise BenchmarkError(f"Intake answered {head.split(maxsplit=2)[1].decode()}.")
        self._idle.append(connection)
        return answer


def _length(head: bytes) -> int:
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    raise BenchmarkError("Intake answered without a Content-Length.")
