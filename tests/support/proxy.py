"""A door before the database that can be shut: the server behind it is real, and so is the refusal."""

import asyncio
import contextlib
from types import TracebackType
from urllib.parse import urlsplit

from pydantic import SecretStr

from shared.platform.settings import Settings


class Proxy:
    """Forwards TCP to the database of ``settings``. Shut at first: connections are refused."""

    def __init__(self, settings: Settings) -> None:
        self._url = urlsplit(settings.database_url.get_secret_value())
        self._original = settings
        self._server: asyncio.Server | None = None
        self._port = 0
        self._writers: set[asyncio.StreamWriter] = set()

    @property
    def settings(self) -> Settings:
        """The same settings with the address of the door."""
        login = self._url.netloc.rpartition("@")[0]
        url = self._url._replace(netloc=f"{login}@127.0.0.1:{self._port}").geturl()
        return self._original.model_copy(update={"database_url": SecretStr(url)})

    async def __aenter__(self) -> "Proxy":
        await self.open()
        await self.shut()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.shut()

    async def open(self) -> None:
        """Lets connections through, on the same port each time."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self._port)
        self._port = self._server.sockets[0].getsockname()[1]

    async def shut(self) -> None:
        """Cuts what is open and refuses what comes."""
        if self._server is None:
            return
        self._server.close()
        for writer in self._writers:
            writer.transport.abort()
        await self._server.wait_closed()
        self._server = None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        behind, before = await asyncio.open_connection(self._url.hostname, self._url.port)
        self._writers |= {writer, before}
        try:
            await asyncio.gather(self._pump(reader, before), self._pump(behind, writer))
        finally:
            self._writers -= {writer, before}

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        writer.close()
