"""Reads the evidence library from its YAML files and refuses what cannot be relied on.

Types and their meaning are in ``shared.clinical.evidence_model``; a key that is not known is refused. A source's
bibliographic data is a CSL-JSON item (``shared.clinical.csl``).
"""

import re
from collections.abc import Mapping, Sequence
from typing import Final, TypeVar, get_args

from shared.clinical.csl import citation_of, identifier_of, parse_csl, year_of
from shared.clinical.evidence_model import (
    GRADE_LEVELS,
    LEVEL_SCALES,
    UNGRADED,
    Applicability,
    Direction,
    Directness,
    EvidenceLibrary,
    EvidenceSource,
    Exclusion,
    Limitation,
    SourceKind,
    Statement,
)
from shared.clinical.expression import Vocabulary, parse_expression
from shared.clinical.figures import Figure, parse_figure
from shared.clinical.policy_yaml import load_mapping
from shared.policy import PolicyError, PolicyFile, digest_of

__all__ = [
    "LEVEL_SCALES",
    "UNGRADED",
    "Applicability",
    "EvidenceLibrary",
    "EvidenceSource",
    "Exclusion",
    "Figure",
    "Limitation",
    "Statement",
    "load_evidence",
]


def load_evidence(files: Sequence[PolicyFile], vocabulary: Vocabulary | None = None) -> EvidenceLibrary:
    """The library of several files, whose statements may cite each other's sources.

    Raises:
        PolicyError: names the file, the place in it, and what is wrong: an unknown source or key, an id used twice, a
            figure without a unit, a placeholder without a figure, a fact that the vocabulary does not have.
    """
    sources: dict[str, EvidenceSource] = {}
    statements: dict[str, Statement] = {}
    parsed = [(file.name, _mapping(load_mapping(file.name, file.text), file.name, _FILE_KEYS)) for file in files]
    for name, data in parsed:
        for place, entry in _entries(data, "sources", name):
            source = _source(entry, place, vocabulary)
            if source.id in sources:
                raise PolicyError(f"{place}: the source {source.id} is there twice.")
            sources[source.id] = source
    for name, data in parsed:
        _check_successors(data, name, sources)
        for place, entry in _entries(data, "statements", name):
            statement = _statement(entry, place, sources, vocabulary)
            if statement.id in statements:
                raise PolicyError(f"{place}: the statement {statement.id} is there twice.")
            statements[statement.id] = statement
    applicable = [source.applicability for source in sources.values()]
    applicable += [statement.applicability for statement in statements.values()]
    leaves = dict.fromkeys(leaf for a in applicable for condition in a.conditions for leaf in condition.leaves)
    fact_names = sorted({name for leaf in leaves for name in leaf.compared})
    digest = digest_of(*(file.text for file in files))
    return EvidenceLibrary(digest, sources, statements, tuple(leaves), tuple(fact_names))


_FILE_KEYS: Final = frozenset({"sources", "statements"})
_APPLICABILITY_KEYS: Final = frozenset({"applies_when", "exclusions", "limitations"})
_SOURCE_KEYS: Final = frozenset(
    {"id", "kind", "csl", "et_al", "level", "verified", "verified_by", "population", "retracted", "superseded_by"}
)
_STATEMENT_KEYS: Final = _APPLICABILITY_KEYS | {"id", "source", "text", "about", "direction", "directness", "figures"}
_KINDS: Final[Mapping[str, SourceKind]] = {kind: kind for kind in get_args(SourceKind)}
_DIRECTIONS: Final[Mapping[str, Direction]] = {direction: direction for direction in get_args(Direction)}
_DIRECTNESS: Final[Mapping[str, Directness]] = {directness: directness for directness in get_args(Directness)}
ID_PATTERN: Final = "[a-z0-9]+(?:-[a-z0-9]+)*"
_PLACEHOLDER: Final = re.compile(r"\{([^{}]*)\}")

_Data = Mapping[object, object]
T = TypeVar("T")


def _mapping(data: object, where: str, keys: frozenset[str]) -> _Data:
    if not isinstance(data, dict):
        raise PolicyError(f"{where}: must be a mapping.")
    unknown = sorted(str(k) for k in data if k not in keys)
    if unknown:
        raise PolicyError(f"{where}: has no {unknown[0]}; it may have {', '.join(sorted(keys))}.")
    return data


def _entries(data: _Data, key: str, where: str) -> list[tuple[str, object]]:
    entries = data.get(key, [])
    if not isinstance(entries, list):
        raise PolicyError(f"{where}: {key} must be a list.")
    return [(f"{where}: {key}[{i}]", entry) for i, entry in enumerate(entries)]


def _text(data: _Data, key: str, where: str) -> str:
    value = data.get(key)
    if not isinstance(value, str) or not value.strip():
        raise PolicyError(f"{where}: needs {key} as text.")
    return " ".join(value.split())


def _choice(data: _Data, key: str, words: Mapping[str, T], where: str, default: str | None = None) -> T:
    value = data.get(key, default)
    if not isinstance(value, str) or value not in words:
        raise PolicyError(f"{where}: {key} must be one of {', '.join(words)}.")
    return words[value]


def _id(data: _Data, where: str) -> str:
    value = _text(data, "id", where)
    if not re.fullmatch(ID_PATTERN, value):
        raise PolicyError(f"{where}: the id {value} must be lower-case words joined by hyphens.")
    return value


def _source(entry: object, where: str, vocabulary: Vocabulary | None) -> EvidenceSource:
    data = _mapping(entry, where, _SOURCE_KEYS)
    where = f"{where} {_id(data, where)}"
    kind = _choice(data, "kind", _KINDS, where)
    item = parse_csl(data.get("csl"), f"{where}.csl")
    scale, level = _level(data.get("level"), where)
    successor = _text(data, "superseded_by", where) if "superseded_by" in data else None
    return EvidenceSource(
        id=_id(data, where),
        kind=kind,
        csl=item,
        citation=citation_of(item, et_al=_flag(data, "et_al", where, default=False)),
        year=year_of(item, f"{where}.csl"),
        identifier=identifier_of(item),
        verified=_flag(data, "verified", where),
        verified_by=_text(data, "verified_by", where),
        level=level,
        level_scale=scale,
        applicability=_applicability(data.get("population", {}), f"{where}.population", vocabulary),
        retracted=_text(data, "retracted", where) if "retracted" in data else None,
        superseded_by=successor,
    )


def _flag(data: _Data, key: str, where: str, *, default: bool | None = None) -> bool:
    value = data.get(key, default)
    if not isinstance(value, bool):
        raise PolicyError(f"{where}: {key} must be true or false.")
    return value


def _level(data: object, where: str) -> tuple[str | None, int | None]:
    """The scale and the rank on it, 1 strongest."""
    if data is None:
        return None, None
    level = _mapping(data, f"{where}.level", frozenset({"scale", "value"}))
    scale, value = level.get("scale"), level.get("value")
    if scale == "grade" and isinstance(value, str) and value in GRADE_LEVELS:
        return scale, GRADE_LEVELS[value]
    if scale == "oxford-2011" and type(value) is int and 1 <= value <= 5:
        return scale, value
    grades = ", ".join(GRADE_LEVELS)
    raise PolicyError(f"{where}.level: needs a scale: oxford-2011 with a whole number, 1 to 5, or grade with {grades}.")


def _check_successors(data: _Data, name: str, sources: Mapping[str, EvidenceSource]) -> None:
    for place, entry in _entries(data, "sources", name):
        successor = entry.get("superseded_by") if isinstance(entry, dict) else None
        if successor is not None and successor not in sources:
            raise PolicyError(f"{place}: {successor}, which supersedes it, is not in the library.")


def _statement(
    entry: object, where: str, sources: Mapping[str, EvidenceSource], vocabulary: Vocabulary | None
) -> Statement:
    data = _mapping(entry, where, _STATEMENT_KEYS)
    where = f"{where} {_id(data, where)}"
    source = sources.get(_text(data, "source", where))
    if source is None:
        raise PolicyError(f"{where}: the source {data['source']} is not in the library.")
    direction = _choice(data, "direction", _DIRECTIONS, where)
    directness = _choice(data, "directness", _DIRECTNESS, where, "direct")
    figures = data.get("figures", {})
    if not isinstance(figures, dict):
        raise PolicyError(f"{where}: figures must be a mapping.")
    parsed = {str(name): parse_figure(figure, f"{where}.figures.{name}") for name, figure in figures.items()}
    own = {key: data[key] for key in _APPLICABILITY_KEYS if key in data}
    return Statement(
        id=_id(data, where),
        source=source,
        text=_with_figures(_text(data, "text", where), parsed, where),
        about=_text(data, "about", where),
        direction=direction,
        directness=directness,
        figures=parsed,
        applicability=_applicability(own, where, vocabulary),
    )


def _with_figures(text: str, figures: Mapping[str, Figure], where: str) -> str:
    used = set(_PLACEHOLDER.findall(text))
    if used != figures.keys():
        name = sorted(used ^ figures.keys())[0]
        problem = "is printed but not given" if name in used else "is given but not printed in the text"
        raise PolicyError(f"{where}: the figure {name} {problem}.")
    return _PLACEHOLDER.sub(lambda match: str(figures[match[1]]), text)


def _applicability(data: object, where: str, vocabulary: Vocabulary | None) -> Applicability:
    given = _mapping(data, where, _APPLICABILITY_KEYS)
    when = given.get("applies_when")
    exclusions = []
    for place, entry in _entries(given, "exclusions", where):
        exclusion = _mapping(entry, place, frozenset({"when", "reason", "if_unknown"}))
        excludes = exclusion.get("if_unknown", "applies")
        if excludes not in ("applies", "excludes"):
            raise PolicyError(f"{place}: if_unknown must be applies or excludes.")
        condition = parse_expression(exclusion.get("when"), f"{place}.when", vocabulary)
        exclusions.append(Exclusion(condition, _text(exclusion, "reason", place), excludes == "excludes"))
    limitations = []
    for place, entry in _entries(given, "limitations", where):
        limitation = _mapping(entry, place, frozenset({"when", "text"}))
        condition = parse_expression(limitation.get("when"), f"{place}.when", vocabulary)
        limitations.append(Limitation(condition, _text(limitation, "text", place)))
    return Applicability(
        None if when is None else parse_expression(when, f"{where}.applies_when", vocabulary),
        tuple(exclusions),
        tuple(limitations),
    )
