"""The rules of FHIR R4 for the resources that a criteria set becomes: elements, cardinalities, code lists, and invariants.

Written after the tables of hl7.org/fhir/R4 for exactly the types that are used; an element that is not listed is none.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

_STATUS = "draft active retired unknown"
_MODULE = f"""resourceType:string:1 id:id meta:Meta text:Narrative extension:Extension* url:uri identifier:Identifier*
    version:string name:string title:string status:code:1={_STATUS.replace(" ", "|")} experimental:boolean
    publisher:string description:string useContext:UsageContext* effectivePeriod:Period"""
_VALUES = """valueBoolean:boolean valueInteger:integer valuePositiveInt:positiveInt valueDecimal:decimal valueString:string
    valueCode:code valueQuantity:Quantity valueRange:Range valueCoding:Coding valueCodeableConcept:CodeableConcept"""
_TABLES: Final[Mapping[str, str]] = {
    "Bundle": "resourceType:string:1 type:code:1=collection entry:Bundle.entry*",
    "Bundle.entry": "fullUrl:uri:1 resource:Resource:1",
    "PlanDefinition": f"""{_MODULE} type:CodeableConcept relatedArtifact:RelatedArtifact* library:canonical*
        action:PlanDefinition.action*""",
    "PlanDefinition.action": """id:string extension:Extension* title:string description:string code:CodeableConcept*
        documentation:RelatedArtifact* condition:PlanDefinition.action.condition*
        groupingBehavior:code=visual-group|logical-group|sentence-group
        selectionBehavior:code=any|all|all-or-none|exactly-one|at-most-one|one-or-more action:PlanDefinition.action*""",
    "PlanDefinition.action.condition": """modifierExtension:Extension* kind:code:1=applicability|start|stop
        expression:Expression""",
    "Expression": "description:string name:id language:code:1 expression:string reference:uri",
    "RelatedArtifact": """type:code:1=documentation|justification|citation|predecessor|successor|derived-from|depends-on|composed-of
        label:string display:string citation:string url:uri resource:canonical""",
    "UsageContext": "code:Coding:1 valueCodeableConcept:CodeableConcept:1",
    "CodeableConcept": "coding:Coding* text:string",
    "Coding": "system:uri version:string code:code display:string",
    "Identifier": "system:uri value:string",
    "Period": "start:date end:date",
    "Extension": f"url:uri:1 extension:Extension* {_VALUES}",
    "Quantity": "value:decimal comparator:code=<|<=|>=|> unit:string system:uri code:code",
    "Range": "low:Quantity high:Quantity",
    "Library": f"""{_MODULE} type:CodeableConcept:1 dataRequirement:DataRequirement* content:Attachment*""",
    "DataRequirement": "type:code:1 codeFilter:DataRequirement.codeFilter*",
    "DataRequirement.codeFilter": "path:string searchParam:string code:Coding*",
    "Attachment": "contentType:code data:base64Binary size:unsignedInt hash:base64Binary title:string",
    "Questionnaire": f"{_MODULE} subjectType:code* item:Questionnaire.item*",
    "Questionnaire.item": """extension:Extension* linkId:string:1 code:Coding* text:string
        type:code:1=group|display|boolean|decimal|integer|date|string|text|choice|open-choice|quantity
        required:boolean repeats:boolean answerOption:Questionnaire.item.answerOption* item:Questionnaire.item*""",
    "Questionnaire.item.answerOption": "valueCoding:Coding:1",
    "QuestionnaireResponse": """resourceType:string:1 questionnaire:canonical
        status:code:1=in-progress|completed|amended|entered-in-error|stopped authored:date
        item:QuestionnaireResponse.item*""",
    "QuestionnaireResponse.item": "linkId:string:1 text:string answer:QuestionnaireResponse.item.answer*",
    "QuestionnaireResponse.item.answer": "valueBoolean:boolean valueQuantity:Quantity valueCoding:Coding",
}
_TEXT = r"[^\x00-\x08\x0b\x0c\x0e-\x1f]+"
_PRIMITIVES: Final[Mapping[str, tuple[tuple[type, ...], str]]] = {
    "boolean": ((bool,), ""),
    "integer": ((int,), r"-?\d+"),
    "positiveInt": ((int,), r"[1-9]\d*"),
    "unsignedInt": ((int,), r"\d+"),
    "decimal": ((int, float), ""),
    "string": ((str,), _TEXT),
    "code": ((str,), r"[^\s]+(\s[^\s]+)*"),
    "id": ((str,), r"[A-Za-z0-9\-.]{1,64}"),
    "uri": ((str,), r"\S+"),
    "canonical": ((str,), r"\S+"),
    "date": ((str,), r"\d{4}-\d\d-\d\d"),
    "base64Binary": ((str,), r"[A-Za-z0-9+/]+={0,2}"),
}
_COLUMN = re.compile(r"(\w+):([\w.]+?)(\*?)(:1)?(?:=(\S+))?")


def problems(resource: Mapping[str, Any]) -> list[str]:
    """What breaks R4 in a resource, each with its path; none where it is valid."""
    kind = str(resource["resourceType"])
    return [*_element(resource, kind, kind), *_invariants(resource, kind)]


def _element(node: Any, kind: str, path: str) -> Iterator[str]:
    if kind == "Resource":
        yield from problems(node)
    elif kind in _PRIMITIVES:
        types, pattern = _PRIMITIVES[kind]
        if type(node) not in types or (pattern and not re.fullmatch(pattern, str(node), re.DOTALL)):
            yield f"{path}: not a {kind}"
    elif not isinstance(node, Mapping) or not node:
        yield f"{path}: not an element with members"
    else:
        yield from _members(node, kind, path)


def _members(node: Mapping[str, Any], kind: str, path: str) -> Iterator[str]:
    columns = {c[1]: c for word in _TABLES[kind].split() if (c := _COLUMN.fullmatch(word))}
    assert len(columns) == len(_TABLES[kind].split())
    yield from (f"{path}.{name}: no such element" for name in node.keys() - columns.keys())
    for name, (_, type_, many, required, codes) in ((n, (c[1], c[2], c[3], c[4], c[5])) for n, c in columns.items()):
        if name not in node:
            if required:
                yield f"{path}.{name}: is required"
            continue
        value = node[name]
        if bool(many) != isinstance(value, list) or value == []:
            yield f"{path}.{name}: a list where one is expected, or the reverse"
            continue
        for entry in value if many else [value]:
            yield from _element(entry, type_, f"{path}.{name}")
            if codes and entry not in codes.split("|"):
                yield f"{path}.{name}: {entry} is not in the value set"


def _invariants(resource: Mapping[str, Any], kind: str) -> Iterator[str]:
    for extension in _extensions(resource):
        values = [key for key in extension if key.startswith("value")]
        if (len(values) + ("extension" in extension)) != 1:
            yield f"ext-1: {extension['url']}"
    if kind == "Bundle":
        urls = [entry["fullUrl"] for entry in resource["entry"]]
        if len(set(urls)) != len(urls):
            yield "bdl-7: a fullUrl twice"
    if kind in ("PlanDefinition", "Library", "Questionnaire") and not re.fullmatch(
        "[A-Z][A-Za-z0-9_]{0,254}", resource["name"]
    ):
        yield f"{kind} name: cannot be used by computers"
    if kind == "Questionnaire":
        yield from _form(resource)


def _form(form: Mapping[str, Any]) -> Iterator[str]:
    links = [item["linkId"] for item in form["item"]]
    if len(set(links)) != len(links):
        yield "que-2: a linkId twice"
    for item in form["item"]:
        if item["type"] == "group" and not item.get("item"):
            yield f"que-1: {item['linkId']}"
        extensions = {extension["url"].rpartition("/")[2] for extension in item.get("extension", ())}
        if "questionnaire-unit" in extensions and item["type"] not in ("integer", "decimal"):
            yield f"questionnaire-unit: {item['linkId']}"
        if "questionnaire-unitOption" in extensions and item["type"] != "quantity":
            yield f"questionnaire-unitOption: {item['linkId']}"
        if "answerOption" in item and item["type"] != "choice":
            yield f"que-5: {item['linkId']}"


def _extensions(node: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(node, Mapping):
        for key in ("extension", "modifierExtension"):
            yield from node.get(key, ())
    for member in node.values() if isinstance(node, Mapping) else node if isinstance(node, list) else ():
        yield from _extensions(member)
