"""Kafka's jars: resolved once into a cache, and compared with ``kafka-jars.lock`` before every start.

The lock names each jar with its SHA-256, in the format of ``sha256sum``. To move to another version, change
``ENDPOINT`` and run ``python -m shared.platform.embedded.jars`` after reading what changed.
"""

import fcntl
import hashlib
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from shared.platform.embedded.server import MISSING, EmbeddedServerError

KAFKA_VERSION = "4.4.0"
# Kafka brings no logging backend of its own choice; without one a broker that cannot start says nothing.
ENDPOINT = f"org.apache.kafka:kafka_2.13:{KAFKA_VERSION}+org.slf4j:slf4j-simple:1.7.36"
LOCK = Path(__file__).with_name("kafka-jars.lock")


def cache_root() -> Path:
    """``PRIORAUTH_CACHE_DIR``, else ``priorauth`` in ``XDG_CACHE_HOME`` or ``~/.cache``."""
    own = os.environ.get("PRIORAUTH_CACHE_DIR")
    if own:
        return Path(own)
    shared_cache = os.environ.get("XDG_CACHE_HOME")
    return (Path(shared_cache) if shared_cache else Path.home() / ".cache") / "priorauth"


def ensure_jars() -> Path:
    """The folder with exactly the locked jars; downloads them if the cache has none.

    Raises EmbeddedServerError if they cannot be had, or if one differs from the lock, whoever changed it.
    """
    root = cache_root()
    folder = root / f"kafka-{KAFKA_VERSION}"
    locked = read_lock()
    if not folder.exists():
        root.mkdir(parents=True, exist_ok=True)
        with _exclusive(root / f"kafka-{KAFKA_VERSION}.lock"):
            if not folder.exists():
                _fetch(folder, locked)
                return folder
    check(folder, locked)
    return folder


def read_lock() -> dict[str, str]:
    """SHA-256 (hex) by file name."""
    pairs = (line.split() for line in LOCK.read_text(encoding="utf-8").splitlines())
    return {name: digest for digest, name in pairs}


def check(folder: Path, locked: Mapping[str, str]) -> None:
    """Raises EmbeddedServerError unless the folder has every locked jar, unchanged, and no other."""
    found = {jar.name for jar in folder.glob("*.jar")}
    for name in sorted(found | locked.keys()):
        if name not in found:
            problem = "is missing"
        elif name not in locked:
            problem = "is not one of Kafka's jars"
        elif _digest(folder / name) != locked[name]:
            problem = "differs from the SHA-256 that this version of priorauth pins"
        else:
            continue
        raise EmbeddedServerError(f"Kafka is not started because {folder / name} {problem}; delete that folder.")


def _fetch(folder: Path, locked: Mapping[str, str]) -> None:
    """Downloads next to the folder, checks, and only then gives it its name."""
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".kafka-") as scratch:
        draft = Path(scratch) / "jars"
        _resolve(Path(scratch), draft)
        check(draft, locked)
        draft.rename(folder)


def _resolve(scratch: Path, into: Path) -> None:
    try:
        import jgo
    except ImportError as error:
        raise EmbeddedServerError(MISSING) from error

    sys.stderr.write("Downloading Apache Kafka (45 MB, once) ...\n")
    into.mkdir()
    try:
        environment = jgo.build(ENDPOINT, cache_dir=scratch / "jgo")
    except (OSError, RuntimeError, ValueError) as error:
        raise EmbeddedServerError(
            f"Kafka's jars cannot be downloaded ({type(error).__name__}); check the network, or give a running Kafka "
            "in PRIORAUTH_KAFKA_BOOTSTRAP_SERVERS."
        ) from error
    for jar in environment.path.rglob("*.jar"):
        shutil.copyfile(jar, into / jar.name)


@contextmanager
def _exclusive(path: Path) -> Iterator[None]:
    """Holds a lock between processes; the kernel lets go of it if this one dies."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def main() -> None:
    """Writes the lock anew from what the endpoint resolves to now."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "jars"
        _resolve(Path(scratch), folder)
        lines = [f"{_digest(jar)}  {jar.name}\n" for jar in sorted(folder.glob("*.jar"))]
    LOCK.write_text("".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main()
