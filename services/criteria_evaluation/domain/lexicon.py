"""The lexicon: which words state which fact, which words deny, doubt or date a statement, which codes carry a fact.

Policy as data: YAML in, one compiled :class:`Lexicon` out. Matching data is compiled once, at load.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from services.criteria_evaluation.domain.lexicon_codes import Codes, read_codes
from services.criteria_evaluation.domain.lexicon_entries import (
    Context,
    Cue,
    Direction,
    Grouped,
    Owner,
    Reach,
    Target,
    Trigger,
    Undeniable,
    Use,
)
from services.criteria_evaluation.domain.lexicon_index import Index, index_of
from services.criteria_evaluation.domain.lexicon_patterns import Pattern, compile_patterns
from services.criteria_evaluation.domain.lexicon_rules import Rule, read_rules
from services.criteria_evaluation.domain.lexicon_topics import Topics, read_topics
from services.criteria_evaluation.domain.policy_yaml import Entry, read_yaml
from services.criteria_evaluation.domain.vocabulary import FactType, Vocabulary
from services.criteria_evaluation.domain.vocabulary_yaml import fact_named, read_facts, read_value
from shared.policy import PolicyError, PolicyFile, digest_of

_TOP: Final = frozenset(
    {
        "id",
        "version",
        "facts",
        "classes",
        "sections",
        "section_flags",
        "triggers",
        "cues",
        "contexts",
        "targets",
        "observations",
        "conditions",
        "established",
        "services",
        "drugs",
        "rules",
        "topics",
    }
)
_TARGET: Final = frozenset(
    {
        "id",
        "fact",
        "value",
        "patterns",
        "background",
        "negated",
        "past",
        "planned",
        "reported",
        "sections",
        "not_sections",
        "cue",
        "rank",
        "requires",
        "excludes",
        "yields",
        "lowest",
    }
)
_TRIGGER: Final = frozenset({"id", "kind", "direction", "lists", "reach", "patterns"})
_CONTEXT: Final = frozenset({"group", "reach", "patterns"})
KINDS: Final = (
    "negated",
    "possible",
    "historical",
    "family",
    "planned",
    "reported",
    "terminator",
    "turn",
    "pseudo",
    "ignore",
)
UNDENIABLE: Final[dict[str, Undeniable]] = {"keep": "yes", "exact": "exact", "require": "required"}
_USES: Final = ("drop", "keep", "later", "require")


@dataclass(frozen=True, slots=True)
class Lexicon:
    """The compiled lexicon. ``digest`` is the content address of the files that it was made from."""

    version: str
    digest: str
    vocabulary: Vocabulary
    sections: Mapping[str, str]
    section_flags: Mapping[str, frozenset[str]]
    codes: Codes
    rules: tuple[Rule, ...]
    index: Index
    topics: Topics


def load_lexicon(files: Sequence[PolicyFile]) -> Lexicon:
    """Compiles the vocabulary and the lexicon from their files.

    Raises:
        PolicyError: with file, line and reason: no YAML, an unknown fact, a bad type, an id that stands twice, ...
    """
    if not files:
        raise PolicyError("The lexicon has no files.")
    tops = [read_yaml(file) for file in files]
    parts: dict[str, list[Entry]] = {}
    for top in tops:
        data = top.mapping(_TOP)
        for key in ("id", "version"):
            if key not in data:
                top.fail(f"The key '{key}' is missing.")
        for key, entry in data.items():
            parts.setdefault(key, []).append(entry)
    _unique(parts["id"])
    for key in ("classes", "cues", "contexts"):
        _named_once(parts.get(key, []))
    vocabulary = read_facts(parts.get("facts", []))
    classes = {name: words.words() for part in parts.get("classes", []) for name, words in part.mapping().items()}
    sections = {
        phrase: category
        for part in parts.get("sections", [])
        for category, phrases in part.mapping().items()
        for phrase in phrases.words()
    }
    return Lexicon(
        version=", ".join(f"{top.mapping()['id'].text()} {top.mapping()['version'].text()}" for top in tops),
        digest=digest_of(*(file.text for file in files)),
        vocabulary=vocabulary,
        sections=sections,
        section_flags={
            name: frozenset(flags.words())
            for part in parts.get("section_flags", [])
            for name, flags in part.mapping().items()
        },
        codes=read_codes(parts, vocabulary),
        rules=read_rules(parts.get("rules", []), vocabulary),
        index=index_of(_owners(parts, vocabulary, classes)),
        topics=read_topics(parts.get("topics", []), vocabulary),
    )


def _unique(entries: Sequence[Entry]) -> None:
    seen: set[str] = set()
    for entry in entries:
        if entry.text() in seen:
            entry.fail(f"The id '{entry.text()}' stands twice.")
        seen.add(entry.text())


def _named_once(parts: Sequence[Entry]) -> None:
    """Refuses a name that two files give: one of its lists would be lost, and what the other names would mean it."""
    seen: set[str] = set()
    for part in parts:
        for name, entry in part.mapping().items():
            if name in seen:
                entry.fail(f"The name '{name}' stands twice.")
            seen.add(name)


def _owners(
    parts: Mapping[str, Sequence[Entry]], vocabulary: Vocabulary, classes: Mapping[str, Sequence[str]]
) -> list[tuple[Pattern, Owner]]:
    """Every pattern of the triggers, cues and targets, with what it stands for."""
    found: list[tuple[Pattern, Owner]] = []
    ids: list[Entry] = []
    cues: set[str] = set()
    for part in parts.get("triggers", []):
        for entry in part.entries():
            data = entry.mapping(_TRIGGER)
            ids.append(_need(entry, data, "id"))
            found += [(p, _trigger(entry, data)) for p in compile_patterns(_need(entry, data, "patterns"), classes)]
    for part in parts.get("cues", []):
        for name, lines in part.mapping().items():
            cues.add(name)
            found += [(p, Cue(name)) for p in compile_patterns(lines, classes)]
    contexts: dict[str, Context] = {}
    for part in parts.get("contexts", []):
        for name, entry in part.mapping().items():
            data = entry.mapping(_CONTEXT)
            contexts[name] = _context(name, data)
            found += [(p, contexts[name]) for p in compile_patterns(_need(entry, data, "patterns"), classes)]
    for part in parts.get("targets", []):
        for entry in part.entries():
            data = entry.mapping(_TARGET)
            ids.append(_need(entry, data, "id"))
            patterns = compile_patterns(_need(entry, data, "patterns"), classes)
            for fact in _need(entry, data, "fact").entries():
                target = _target(data, fact_named(fact, vocabulary), cues, contexts)
                if target.value is None and any(p.slot is None for p in patterns):
                    entry.fail(
                        "This target has no value and a pattern of it has no slot such as <num> to take it from."
                    )
                found += [(p, target) for p in patterns]
    _unique(ids)
    return found


def _need(entry: Entry, data: Mapping[str, Entry], key: str) -> Entry:
    if key not in data:
        entry.fail(f"The key '{key}' is missing.")
    return data[key]


def _choice(data: Mapping[str, Entry], key: str, choices: Sequence[str], default: str) -> str:
    if key not in data:
        return default
    text = data[key].text()
    if text not in choices:
        data[key].fail(f"'{text}' is none of {', '.join(choices)}.")
    return text


def _trigger(entry: Entry, data: Mapping[str, Entry]) -> Trigger:
    direction: Direction = "forward"
    for choice in ("forward", "backward", "both"):
        if _choice(data, "direction", ("forward", "backward", "both"), "forward") == choice:
            direction = choice
    return Trigger(
        id=_need(entry, data, "id").text(),
        kind=_choice(data, "kind", KINDS, "pseudo"),
        direction=direction,
        lists=data["lists"].flag() if "lists" in data else False,
        reach=int(data["reach"].number()) if "reach" in data else 1000,
    )


def _context(name: str, data: Mapping[str, Entry]) -> Context:
    reaches: dict[str, Reach] = {"clause": "clause", "sentence": "sentence", "section": "section"}
    reach = reaches[_choice(data, "reach", tuple(reaches), "sentence")]
    return Context(name, data["group"].text() if "group" in data else name, reach)


def _grouped(data: Mapping[str, Entry], key: str, contexts: Mapping[str, Context]) -> tuple[Grouped, ...]:
    """The contexts that a target requires or excludes, by their groups."""
    groups: dict[str, set[str]] = {}
    for entry in data[key].entries() if key in data else ():
        context = contexts.get(entry.text())
        if context is None:
            entry.fail(f"There is no context '{entry.text()}'.")
        groups.setdefault(context.group, set()).add(context.id)
    return tuple((group, frozenset(names)) for group, names in groups.items())


def _target(data: Mapping[str, Entry], fact: FactType, cues: set[str], contexts: Mapping[str, Context]) -> Target:
    value = read_value(data["value"], fact) if "value" in data else None
    if value is None and fact.kind == "boolean":
        value = True
    negated: bool | str | tuple[str, ...] | None = (not value) if isinstance(value, bool) else None
    if "negated" in data:
        apart = data["negated"].data in ("drop", "keep", "exact", "require")
        negated = None if apart else read_value(data["negated"], fact)
    if "cue" in data and data["cue"].text() not in cues:
        data["cue"].fail(f"There is no cue '{data['cue'].text()}'.")
    return Target(
        id=data["id"].text(),
        fact=fact.name,
        value=value,
        negated=negated,
        background=data["background"].flag() if "background" in data else False,
        undeniable=UNDENIABLE.get(str(data["negated"].data), "no") if "negated" in data else "no",
        past=_use(data, "past", "drop"),
        planned=_use(data, "planned", "keep"),
        reported=_use(data, "reported", "keep"),
        sections=frozenset(data["sections"].words()) if "sections" in data else frozenset(),
        not_sections=frozenset(data["not_sections"].words()) if "not_sections" in data else frozenset(),
        cue=data["cue"].text() if "cue" in data else None,
        rank=int(data["rank"].number()) if "rank" in data else 1,
        requires=_grouped(data, "requires", contexts),
        excludes=_grouped(data, "excludes", contexts),
        yields=_grouped(data, "yields", contexts),
        lowest=data["lowest"].flag() if "lowest" in data else False,
    )


def _use(data: Mapping[str, Entry], key: str, default: Use) -> Use:
    uses: dict[str, Use] = {"drop": "drop", "keep": "keep", "later": "later", "require": "require"}
    return uses[_choice(data, key, _USES, default)]
