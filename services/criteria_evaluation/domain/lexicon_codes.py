"""Which codes of coded resources carry which fact, as the lexicon's data states it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from services.criteria_evaluation.domain.policy_yaml import Entry
from services.criteria_evaluation.domain.vocabulary import FactType, Vocabulary
from services.criteria_evaluation.domain.vocabulary_yaml import fact_named, read_value

LOINC: Final = "http://loinc.org"
_ALIASES: Final[Mapping[str, str]] = {
    "urn:oid:2.16.840.1.113883.6.1": LOINC,
    "urn:oid:2.16.840.1.113883.6.90": "http://hl7.org/fhir/sid/icd-10-cm",
    "http://hl7.org/fhir/sid/icd-10": "http://hl7.org/fhir/sid/icd-10-cm",
    "urn:oid:2.16.840.1.113883.6.96": "http://snomed.info/sct",
    "urn:oid:2.16.840.1.113883.6.12": "http://www.ama-assn.org/go/cpt",
    "https://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets": "http://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets",
    "urn:oid:2.16.840.1.113883.6.285": "http://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets",
}
_DOTTED: Final = "http://hl7.org/fhir/sid/icd-10-cm"

Key = tuple[str, str]
"""A code system and a code in it, as ``key_of`` writes them."""
Standing = Literal["done", "ordered", "active"]


def key_of(system: str, code: str) -> Key:
    """The system under its usual address and the code, without the dot that ICD-10 codes are written with or without."""
    system = _ALIASES.get(system, system)
    return system, code.replace(".", "").upper() if system == _DOTTED else code


@dataclass(frozen=True, slots=True)
class Coded:
    """What an observation's code says: its fact, and those that stand in its place for a value asleep or on exercise.

    A component of a code of ``unless`` above the number beside it takes the value out of the fact's meaning.
    """

    fact: str
    asleep: str | None = None
    exercise: str | None = None
    unless: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a code of a Condition, a Procedure, an order or a drug says.

    ``value`` None: the value is the time that the procedure took, or the levels of its body site. ``lasting``: a
    Condition that is over counts too. ``plain``: a Condition need not be marked as confirmed and active, and a refuted
    one denies the fact. ``standings``: what the procedure or order must have come to.
    """

    fact: FactType
    value: bool | str | tuple[str, ...] | None = True
    lasting: bool = False
    plain: bool = True
    rank: int = 1
    standings: frozenset[Standing] = frozenset()


@dataclass(slots=True)
class CodeTable:
    """Meanings by code, and the code systems that it has any of; a code that ends in a star stands for all codes that begin so."""

    exact: dict[Key, list[Meaning]] = field(default_factory=dict)
    begun: dict[str, list[tuple[str, Meaning]]] = field(default_factory=dict)
    systems: set[str] = field(default_factory=set)

    def add(self, system: str, code: str, meaning: Meaning) -> None:
        """Takes one code of the lexicon's data."""
        system, code = key_of(system, code)
        self.systems.add(system)
        if code.endswith("*"):
            self.begun.setdefault(system, []).append((code[:-1], meaning))
        else:
            self.exact.setdefault((system, code), []).append(meaning)

    def meanings(self, key: Key) -> Iterator[Meaning]:
        """All that a code means."""
        yield from self.exact.get(key, ())
        for prefix, meaning in self.begun.get(key[0], ()):
            if key[1].startswith(prefix):
                yield meaning


@dataclass(frozen=True, slots=True)
class Codes:
    """All codes of the lexicon. ``drugs`` are names, in lower case, by which a drug of the table is known."""

    observations: Mapping[Key, Coded]
    conditions: CodeTable
    services: CodeTable
    drugs: CodeTable
    drug_names: Mapping[str, Meaning]


def read_codes(parts: Mapping[str, Sequence[Entry]], vocabulary: Vocabulary) -> Codes:
    """The sections ``observations``, ``conditions``, ``established``, ``services`` and ``drugs``.

    Raises:
        PolicyError: an unknown fact, value or standing.
    """
    conditions = CodeTable()
    for entry in parts.get("conditions", ()):
        _conditions(entry, vocabulary, conditions)
    for entry in _members(parts, "established"):
        data = entry.mapping(frozenset({"fact", "value", "codes", "rank"}))
        _spread(data, _meaning(entry, data, vocabulary, plain=False), conditions)
    services = CodeTable()
    for entry in _members(parts, "services"):
        data = entry.mapping(frozenset({"fact", "value", "codes", "standings"}))
        _spread(data, _meaning(entry, data, vocabulary), services)
    drugs, names = CodeTable(), dict[str, Meaning]()
    for entry in _members(parts, "drugs"):
        data = entry.mapping(frozenset({"fact", "value", "codes", "names"}))
        meaning = _meaning(entry, data, vocabulary)
        _spread(data, meaning, drugs)
        names |= {name.lower(): meaning for name in (data["names"].words() if "names" in data else ())}
    return Codes(_observations(parts.get("observations", ()), vocabulary), conditions, services, drugs, names)


def _members(parts: Mapping[str, Sequence[Entry]], section: str) -> Iterator[Entry]:
    for part in parts.get(section, ()):
        yield from part.entries()


def _spread(data: Mapping[str, Entry], meaning: Meaning, table: CodeTable) -> None:
    for system, codes in data["codes"].mapping().items() if "codes" in data else ():
        for code in codes.words():
            table.add(system, code, meaning)


def _meaning(entry: Entry, data: Mapping[str, Entry], vocabulary: Vocabulary, *, plain: bool = True) -> Meaning:
    if "fact" not in data:
        entry.fail("The key 'fact' is missing.")
    fact = fact_named(data["fact"], vocabulary)
    return Meaning(
        fact,
        read_value(data["value"], fact) if "value" in data else None,
        plain=plain,
        rank=int(data["rank"].number()) if "rank" in data else 1,
        standings=frozenset(_standing(word) for word in data["standings"].entries())
        if "standings" in data
        else frozenset(),
    )


def _standing(entry: Entry) -> Standing:
    known: dict[str, Standing] = {"done": "done", "ordered": "ordered", "active": "active"}
    standing = known.get(entry.text())
    if standing is None:
        entry.fail(f"A standing is one of {', '.join(known)}.")
    return standing


def _conditions(entry: Entry, vocabulary: Vocabulary, table: CodeTable) -> None:
    """By fact and system; a tilde before a code marks what counts although the Condition is over."""
    for name, systems in entry.mapping().items():
        if name not in vocabulary or vocabulary[name].kind != "boolean":
            systems.fail(f"'{name}' is no boolean fact of the vocabulary.")
        for system, codes in systems.mapping().items():
            for code in codes.words():
                meaning = Meaning(vocabulary[name], lasting=code.startswith("~"))
                table.add(system, code.lstrip("~"), meaning)


def _observations(parts: Sequence[Entry], vocabulary: Vocabulary) -> dict[Key, Coded]:
    """A code is LOINC's, or has its system and a bar before it."""
    found: dict[Key, Coded] = {}
    for code, entry in ((code, entry) for part in parts for code, entry in part.mapping().items()):
        data = entry.mapping(frozenset({"fact", "asleep", "exercise", "unless"}))
        if "fact" not in data:
            entry.fail("The key 'fact' is missing.")
        system, bar, bare = code.rpartition("|")
        unless = {c: e.number() for c, e in data["unless"].mapping().items()} if "unless" in data else {}
        names = {k: fact_named(data[k], vocabulary).name for k in ("fact", "asleep", "exercise") if k in data}
        found[key_of(system if bar else LOINC, bare)] = Coded(**names, unless=unless)
    return found
