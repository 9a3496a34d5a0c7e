"""Files that appear whole or not at all."""

import os
from pathlib import Path


def write_atomically(path: Path, text: str, mode: int = 0o644) -> None:
    """Writes a file that readers see either as it was or whole; makes its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, text.encode(), replace=True, mode=mode)


def write_whole(path: Path, content: bytes, *, replace: bool = False, mode: int = 0o644) -> None:
    """Writes a file beside its place, brings it to disk, and only then gives it its name.

    Raises:
        FileExistsError: there is a file of that name, and ``replace`` is not given.
        OSError: the folder is missing, full, or not to be written; nothing is left behind.
    """
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if replace:
            draft.replace(path)
        else:
            os.link(draft, path)
    finally:
        draft.unlink(missing_ok=True)
    _keep_name(path.parent)


def _keep_name(folder: Path) -> None:
    """Brings the folder's entry to disk too, so that a name that was given outlives a loss of power."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
