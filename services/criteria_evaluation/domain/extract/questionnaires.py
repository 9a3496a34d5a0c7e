"""Facts that answers state: QuestionnaireResponse (DTR), by linkId, by definition, or by the codes of its Questionnaire."""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from services.criteria_evaluation.domain.extract.answers import said_by, value_of
from services.criteria_evaluation.domain.extract.elements import at_path, bodies, codings, day_of, named_fact, word
from services.criteria_evaluation.domain.extract.mention import Mention
from services.criteria_evaluation.domain.lexicon import Lexicon
from services.criteria_evaluation.domain.vocabulary import FactType
from shared.clinical.model import Resource

_VOID: Final = frozenset({"entered-in-error", "stopped"})
_DEPTH: Final = 20

Asked = Mapping[str, FactType]
"""What the questions of a Questionnaire ask, by linkId."""


def read_answers(resources: Sequence[Resource], lexicon: Lexicon) -> Iterator[Mention]:
    """What all QuestionnaireResponses answer, at any depth of their items."""
    forms: dict[str, Asked] | None = None
    for resource in resources:
        body = resource.body
        if word(body, "resourceType") != "QuestionnaireResponse" or word(body, "status") in _VOID:
            continue
        if forms is None:
            forms = dict(_forms(resources, lexicon))
        asked = forms.get(_address(resource, body.get("questionnaire")), {})
        yield from _items(body.get("item"), resource.path, day_of(body.get("authored")), asked, lexicon, 0)


def _address(resource: Resource, canonical: object) -> str:
    """The Questionnaire of a response: its canonical address without a version, or the path of a contained one."""
    if not isinstance(canonical, str):
        return ""
    bare = canonical.partition("|")[0]
    return f"{resource.path}{bare}" if bare.startswith("#") else bare


def _forms(resources: Sequence[Resource], lexicon: Lexicon) -> Iterator[tuple[str, Asked]]:
    for resource in resources:
        if word(resource.body, "resourceType") != "Questionnaire":
            continue
        asked = dict(_questions(resource.body.get("item"), lexicon, 0))
        if isinstance(resource.body.get("url"), str):
            yield resource.body["url"], asked
        if isinstance(resource.body.get("id"), str):
            yield f"{resource.path.rpartition('.contained[')[0]}#{resource.body['id']}", asked


def _questions(items: Any, lexicon: Lexicon, depth: int) -> Iterator[tuple[str, FactType]]:
    for item in bodies(items) if depth <= _DEPTH else ():
        for _, key in codings({"coding": item.get("code")}):
            coded = lexicon.codes.observations.get(key)
            fact = lexicon.vocabulary[coded.fact] if coded else named_fact(key, lexicon.vocabulary)
            if fact is not None and isinstance(item.get("linkId"), str):
                yield item["linkId"], fact
        yield from _questions(item.get("item"), lexicon, depth + 1)


def _items(
    items: Any, path: str, date: dt.date | None, asked: Asked, lexicon: Lexicon, depth: int
) -> Iterator[Mention]:
    if not isinstance(items, list) or depth > _DEPTH:
        return
    for i, item in enumerate(items):
        if not isinstance(item, dict):
            continue
        here = f"{path}.item[{i}]"
        fact = _fact(item, asked, lexicon)
        answers = item.get("answer")
        for k, answer in enumerate(answers if isinstance(answers, list) else ()):
            if not isinstance(answer, dict):
                continue
            value = value_of(answer)
            said = said_by(fact, *value) if fact is not None and value is not None else None
            if fact is not None and value is not None and said is not None:
                yield Mention(fact.name, said, at_path(f"{here}.answer[{k}].{value[0]}"), date)
            yield from _items(answer.get("item"), f"{here}.answer[{k}]", date, asked, lexicon, depth + 1)
        yield from _items(item.get("item"), here, date, asked, lexicon, depth + 1)


def _fact(item: Mapping[str, Any], asked: Asked, lexicon: Lexicon) -> FactType | None:
    """The fact that an item asks for: its linkId names it, or the end of its definition, or its question's code."""
    link, definition = item.get("linkId"), item.get("definition")
    names = [link] if isinstance(link, str) else []
    if isinstance(definition, str):
        names.append(definition.rpartition("#")[2].rpartition("/")[2])
    for name in names:
        fact = lexicon.vocabulary.get(name)
        if fact is not None and not fact.internal:
            return fact
    return asked.get(link) if isinstance(link, str) else None
