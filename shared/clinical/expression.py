"""Three-valued expressions over clinical facts: criteria, refer rules and the applicability of evidence all use them.

Written in YAML as ``{all_of: [...]}``, ``{any_of: [...]}``, ``{at_least: {n: 2, of: [...]}}``, ``{not: ...}`` and leaves
such as ``{fact: spine.sins_total, ">=": 13}``. ``docs/criteria-format.md`` lists them all.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from shared.clinical import kleene
from shared.clinical.exceeds import parse_exceeds
from shared.clinical.kleene import MET, NOT_MET, Value
from shared.clinical.leaves import (
    OPERATORS,
    Compare,
    Expression,
    IncludesAny,
    IsKnown,
    IsTrue,
    Leaf,
    OneOf,
    Operator,
    Overlaps,
)
from shared.clinical.model import Facts
from shared.clinical.policy_yaml import finite, read_count
from shared.clinical.units import factor
from shared.policy import PolicyError

__all__ = ["AllOf", "AnyOf", "AtLeast", "Expression", "Leaf", "Not", "Vocabulary", "expand_levels", "parse_expression"]

VocabularyEntry = tuple[str, str | None, tuple[str, ...]]
Vocabulary = Mapping[str, VocabularyEntry]
"""Fact name to (type, UCUM unit, codes). Types: boolean, quantity, code, codes, levels."""

VERTEBRAE: Final[tuple[str, ...]] = tuple(
    f"{region}{i}" for region, count in (("C", 7), ("T", 12), ("L", 5), ("S", 5)) for i in range(1, count + 1)
)
_RANGE: Final = re.compile(r"([CTLS]\d{1,2})(?:-([CTLS]\d{1,2}))?")


@dataclass(frozen=True, slots=True)
class _Group(Expression):
    children: tuple[Expression, ...]

    @property
    def leaves(self) -> tuple[Leaf, ...]:
        return tuple(dict.fromkeys(leaf for child in self.children for leaf in child.leaves))

    def _because(self, facts: Facts, carrying: tuple[Value, ...]) -> tuple[str, ...]:
        return tuple(sorted({n for c in self.children if c.value(facts) in carrying for n in c.because(facts)}))

    def _describe_children(self, word: str) -> str:
        return "(" + f" {word} ".join(child.describe() for child in self.children) + ")"


@dataclass(frozen=True, slots=True)
class AllOf(_Group):
    """Met when every child is met."""

    def value(self, facts: Facts) -> Value:
        lowest: Value = MET
        for child in self.children:
            value = child.value(facts)
            if value < lowest:
                if value == NOT_MET:
                    return NOT_MET
                lowest = value
        return lowest

    def because(self, facts: Facts) -> tuple[str, ...]:
        return self._because(facts, (self.value(facts),))

    def describe(self) -> str:
        return self._describe_children("and")


@dataclass(frozen=True, slots=True)
class AnyOf(_Group):
    """Met when any child is met."""

    def value(self, facts: Facts) -> Value:
        highest: Value = NOT_MET
        for child in self.children:
            value = child.value(facts)
            if value > highest:
                if value == MET:
                    return MET
                highest = value
        return highest

    def because(self, facts: Facts) -> tuple[str, ...]:
        return self._because(facts, (self.value(facts),))

    def describe(self) -> str:
        return self._describe_children("or")


@dataclass(frozen=True, slots=True)
class AtLeast(_Group):
    """Met when ``n`` or more of the children are met."""

    n: int

    def value(self, facts: Facts) -> Value:
        return kleene.at_least(self.n, [child.value(facts) for child in self.children])

    def because(self, facts: Facts) -> tuple[str, ...]:
        return self._because(facts, (self.value(facts),))

    def describe(self) -> str:
        return f"at least {self.n} of (" + "; ".join(child.describe() for child in self.children) + ")"


@dataclass(frozen=True, slots=True)
class Not(Expression):
    """Met when the child is not met."""

    child: Expression

    @property
    def leaves(self) -> tuple[Leaf, ...]:
        return self.child.leaves

    def value(self, facts: Facts) -> Value:
        return kleene.negate(self.child.value(facts))

    def because(self, facts: Facts) -> tuple[str, ...]:
        return self.child.because(facts)

    def describe(self) -> str:
        return f"not {self.child.describe()}"


def expand_levels(text: str) -> tuple[str, ...]:
    """``"T9-T12"`` or ``"L2"`` as vertebrae from head to tail. Raises ValueError for anything else."""
    match = _RANGE.fullmatch(text)
    first, last = (match[1], match[2] or match[1]) if match else ("", "")
    if first not in VERTEBRAE or last not in VERTEBRAE or VERTEBRAE.index(first) > VERTEBRAE.index(last):
        raise ValueError(f'"{text}" is not a vertebra or a range of vertebrae such as T9-T12.')
    return VERTEBRAE[VERTEBRAE.index(first) : VERTEBRAE.index(last) + 1]


def parse_expression(data: object, where: str, vocabulary: Vocabulary | None = None) -> Expression:
    """Compiles an expression as YAML gives it.

    ``where`` stands at the head of every message. With a vocabulary, fact names, types, units and codes are checked and
    bounds are converted to the fact's own unit.

    Raises:
        PolicyError: the position within ``data`` and what is wrong with it.
    """
    if not isinstance(data, dict) or not data:
        raise PolicyError(f"{where}: an expression must be a mapping such as {{fact: ..., is: true}}.")
    if "fact" in data:
        return _parse_leaf(data, where, vocabulary)
    if len(data) != 1:
        raise PolicyError(f"{where}: an expression has exactly one of all_of, any_of, at_least, not, or fact.")
    key, body = next(iter(data.items()))
    place = f"{where}.{key}"
    if key == "not":
        return Not(parse_expression(body, place, vocabulary))
    if key == "at_least":
        if not isinstance(body, dict) or set(body) != {"n", "of"}:
            raise PolicyError(f"{place}: needs exactly n and of.")
        children = _parse_children(body["of"], f"{place}.of", vocabulary)
        return AtLeast(children, read_count(body["n"], len(children), place))
    if key == "all_of":
        return AllOf(_parse_children(body, place, vocabulary))
    if key == "any_of":
        return AnyOf(_parse_children(body, place, vocabulary))
    raise PolicyError(f'{where}: "{key}" is not one of all_of, any_of, at_least, not, or fact.')


def _parse_children(data: object, where: str, vocabulary: Vocabulary | None) -> tuple[Expression, ...]:
    if not isinstance(data, list) or not data:
        raise PolicyError(f"{where}: needs a list with at least one expression.")
    return tuple(parse_expression(child, f"{where}[{i}]", vocabulary) for i, child in enumerate(data))


def _parse_leaf(data: dict[object, object], where: str, vocabulary: Vocabulary | None) -> Leaf:
    name = data["fact"]
    if not isinstance(name, str):
        raise PolicyError(f"{where}.fact: must be a fact's name.")
    tests = [key for key in data if key not in ("fact", "unit", "by")]
    if len(tests) != 1 or tests[0] not in _LEAVES:
        raise PolicyError(f"{where}: {name} needs exactly one of {', '.join(_LEAVES)}.")
    test = str(tests[0])
    if ("unit" in data and test not in OPERATORS) or ("by" in data and test != "exceeds"):
        raise PolicyError(f"{where}: a unit goes with a comparison of a quantity only, and by with exceeds.")
    entry = _entry(name, where, vocabulary)
    return _LEAVES[test](name, data, where, entry, vocabulary)


def _entry(name: str, where: str, vocabulary: Vocabulary | None) -> VocabularyEntry | None:
    if vocabulary is None:
        return None
    if name not in vocabulary:
        raise PolicyError(f"{where}: {name} is not a fact of the vocabulary.")
    return vocabulary[name]


def _require_type(name: str, where: str, entry: VocabularyEntry | None, *types: str) -> None:
    if entry is not None and entry[0] not in types:
        raise PolicyError(f"{where}: {name} is of type {entry[0]}; this comparison needs {' or '.join(types)}.")


def _compare_with(operator: Operator) -> "_LeafParser":
    def parse(name: str, data: _Data, where: str, entry: VocabularyEntry | None, _: Vocabulary | None) -> Leaf:
        bound, unit = finite(data[operator]), data.get("unit")
        if bound is None:
            raise PolicyError(f"{where}: {name} {operator} needs a number.")
        if unit is not None and not isinstance(unit, str):
            raise PolicyError(f"{where}.unit: must be a UCUM unit.")
        _require_type(name, where, entry, "quantity")
        own = entry[1] if entry is not None else None
        if own is None or unit is None:
            return Compare(name, operator, bound, unit or own)
        scale = factor(unit, own)
        if scale is None:
            raise PolicyError(f"{where}.unit: {unit} cannot be converted to {own}, the unit of {name}.")
        return Compare(name, operator, bound * scale, own)

    return parse


def _parse_is(name: str, data: "_Data", where: str, entry: VocabularyEntry | None, _: Vocabulary | None) -> Leaf:
    expected = data["is"]
    if isinstance(expected, bool):
        _require_type(name, where, entry, "boolean")
        return IsTrue(name, expected)
    _require_type(name, where, entry, "code")
    return OneOf(name, _codes([expected], f"{where}.is", name, entry))


def _parse_in(name: str, data: "_Data", where: str, entry: VocabularyEntry | None, _: Vocabulary | None) -> Leaf:
    _require_type(name, where, entry, "code")
    return OneOf(name, _codes(data["in"], f"{where}.in", name, entry))


def _parse_any(name: str, data: "_Data", where: str, entry: VocabularyEntry | None, _: Vocabulary | None) -> Leaf:
    _require_type(name, where, entry, "codes")
    return IncludesAny(name, _codes(data["includes_any"], f"{where}.includes_any", name, entry))


def _parse_overlaps(name: str, data: "_Data", where: str, entry: VocabularyEntry | None, v: Vocabulary | None) -> Leaf:
    _require_type(name, where, entry, "levels")
    other = data["overlaps"]
    if isinstance(other, str) and "." in other:
        _require_type(other, where, _entry(other, where, v), "levels")
        return Overlaps(name, other)
    try:
        levels = [level for text in _codes(other, f"{where}.overlaps", name, None) for level in expand_levels(text)]
    except ValueError as error:
        raise PolicyError(f"{where}.overlaps: {error}") from error
    return IncludesAny(name, frozenset(levels))


def _parse_known(name: str, data: "_Data", where: str, _: VocabularyEntry | None, __: Vocabulary | None) -> Leaf:
    if data["known"] is not True:
        raise PolicyError(f"{where}.known: can only be true, since not knowing is never a criterion.")
    return IsKnown(name)


def _codes(data: object, where: str, name: str, entry: VocabularyEntry | None) -> frozenset[str]:
    # YAML reads a code such as ESCC grade 2 as a number.
    codes = (
        [str(c) if isinstance(c, int) and not isinstance(c, bool) else c for c in data]
        if isinstance(data, list)
        else []
    )
    if not codes or not all(isinstance(c, str) for c in codes):
        raise PolicyError(f"{where}: needs a list of codes.")
    words = frozenset(str(c) for c in codes)
    if entry is not None and entry[2] and not words <= set(entry[2]):
        raise PolicyError(f"{where}: {', '.join(sorted(words - set(entry[2])))} is not a code of {name}.")
    return words


_Data = dict[object, object]
_LeafParser = Callable[[str, _Data, str, VocabularyEntry | None, Vocabulary | None], Leaf]
_LEAVES: Final[dict[str, _LeafParser]] = {
    **{operator: _compare_with(operator) for operator in OPERATORS},
    "is": _parse_is,
    "in": _parse_in,
    "includes_any": _parse_any,
    "overlaps": _parse_overlaps,
    "known": _parse_known,
    "exceeds": lambda name, data, where, _, vocabulary: parse_exceeds(name, data, where, vocabulary),
}
