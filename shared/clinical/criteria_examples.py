"""Examples that a criteria set carries: facts, and the outcome that they must have. ``priorauth criteria check`` runs them."""

from dataclasses import dataclass
from typing import Any, Final, get_args

from shared.clinical.expression import Vocabulary, expand_levels
from shared.clinical.model import CaseOutcome, Fact, Facts
from shared.clinical.policy_yaml import Fields, finite
from shared.policy import PolicyError

OUTCOMES: Final[dict[str, CaseOutcome]] = {outcome: outcome for outcome in get_args(CaseOutcome)}


@dataclass(frozen=True, slots=True)
class Example:
    """A case in small. ``items`` are service codes; none means the set's services, one by one."""

    name: str
    facts: Facts
    outcome: CaseOutcome
    items: tuple[str, ...] = ()


def read_example(fields: Fields, vocabulary: Vocabulary | None) -> Example:
    """Reads one example.

    Raises:
        PolicyError: an outcome that does not exist, or a fact that the vocabulary does not have or whose value it cannot be.
    """
    name, given, outcome = fields.text("name"), fields.require("facts"), fields.text("outcome")
    items = fields.texts("items")
    where = f"{fields.where}.facts"
    fields.done()
    if outcome not in OUTCOMES:
        raise PolicyError(f"{fields.where}.outcome: must be one of {', '.join(OUTCOMES)}.")
    facts = {
        fact: _fact(fact, value, f"{where}.{fact}", vocabulary) for fact, value in Fields(given, where).data.items()
    }
    return Example(name, facts, OUTCOMES[outcome], items)


def _fact(name: str, value: Any, where: str, vocabulary: Vocabulary | None) -> Fact:
    """A fact as examples write it: true, a code, a list, a number, or ``{low, high}``."""
    if vocabulary is not None and name not in vocabulary:
        raise PolicyError(f"{where}: {name} is not a fact of the vocabulary.")
    kind, unit, codes = vocabulary[name] if vocabulary is not None else (_guess(value), None, ())
    if kind == "boolean" and isinstance(value, bool):
        return Fact(name, "known", value)
    if kind == "quantity" and (number := finite(value)) is not None:
        return Fact(name, "known", low=number, high=number, unit=unit)
    if kind == "quantity" and isinstance(value, dict):
        ends = Fields(value, where)
        low, high = (_end(ends.take(side), where) for side in ("low", "high"))
        ends.done()
        return Fact(name, "known", low=low, high=high, unit=unit)
    words = [str(word) for word in (value if isinstance(value, list) else [value])]
    if kind == "levels" and isinstance(value, list):
        try:
            return Fact(name, "known", tuple(dict.fromkeys(level for word in words for level in expand_levels(word))))
        except ValueError as error:
            raise PolicyError(f"{where}: {error}") from error
    if (
        kind in ("code", "codes")
        and isinstance(value, list) == (kind == "codes")
        and (not codes or set(words) <= set(codes))
    ):
        return Fact(name, "known", tuple(sorted(words)) if kind == "codes" else words[0])
    raise PolicyError(f"{where}: this cannot be a value of {name}, which is of type {kind}.")


def _end(value: Any, where: str) -> float | None:
    if value is None:
        return None
    number = finite(value)
    if number is None:
        raise PolicyError(f"{where}: an end of a quantity is a number or null.")
    return number


def _guess(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float | dict):
        return "quantity"
    return "codes" if isinstance(value, list) else "code"
