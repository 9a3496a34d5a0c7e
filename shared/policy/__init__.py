"""Policy as data: criteria sets, evidence statements, the lexicon and the thesaurus of the literature search, in versioned YAML that ships with the code.

This module only reads files; each kind is parsed by the module that owns its types.
"""

import hashlib
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Literal

Kind = Literal["criteria", "evidence", "lexicon", "thesaurus"]


class PolicyError(Exception):
    """A policy file that cannot be used. The text names the file, the line where it is known, and the reason."""


@dataclass(frozen=True, slots=True)
class PolicyFile:
    """One YAML file: its name (for messages) and its text."""

    name: str
    text: str


def read_policy(kind: Kind, directory: Path | None = None) -> tuple[PolicyFile, ...]:
    """All YAML files of a kind, sorted by name: those that ship with the code, or those of ``directory``.

    Raises:
        PolicyError: the directory cannot be read or holds no YAML file.
    """
    root = resources.files(__package__).joinpath(kind) if directory is None else directory
    try:
        entries = sorted((e for e in root.iterdir() if e.name.endswith((".yaml", ".yml"))), key=lambda e: e.name)
        files = tuple(PolicyFile(e.name, e.read_text(encoding="utf-8")) for e in entries)
    except (OSError, UnicodeDecodeError) as error:
        raise PolicyError(f"The {kind} folder {root} cannot be read: {type(error).__name__}.") from error
    if not files:
        raise PolicyError(f"The folder {root} holds no {kind} file (*.yaml).")
    return files


def read_policy_bytes(kind: Kind, name: str, directory: Path | None = None) -> bytes:
    """One file as it is on disk, line ends included; ``name`` is that of a file that ``read_policy`` gave.

    Raises:
        PolicyError: the file cannot be read.
    """
    root = resources.files(__package__).joinpath(kind) if directory is None else directory
    try:
        return root.joinpath(name).read_bytes()
    except OSError as error:
        raise PolicyError(f"{name} cannot be read: {type(error).__name__}.") from error


@dataclass(frozen=True, slots=True)
class PolicyFiles:
    """The criteria sets and the evidence library as they stood in their folders at one moment."""

    criteria: tuple[PolicyFile, ...]
    evidence: tuple[PolicyFile, ...]

    @property
    def all(self) -> tuple[PolicyFile, ...]:
        """The files of both."""
        return (*self.criteria, *self.evidence)

    @property
    def digest(self) -> str:
        """The content address of names and texts together."""
        return digest_of(*(part for file in self.all for part in (file.name, file.text)))


def read_policies(criteria: Path | None = None, evidence: Path | None = None) -> PolicyFiles:
    """The files of both kinds, each from its folder or as they ship with the code.

    Raises:
        PolicyError: a folder cannot be read or holds no YAML file.
    """
    return PolicyFiles(read_policy("criteria", criteria), read_policy("evidence", evidence))


def digest_of(*texts: str) -> str:
    """The content address of policy text: ``sha256:`` over the texts in order, each with its length before it."""
    h = hashlib.sha256()
    for text in texts:
        raw = text.encode()
        h.update(len(raw).to_bytes(8, "big"))
        h.update(raw)
    return "sha256:" + h.hexdigest()
