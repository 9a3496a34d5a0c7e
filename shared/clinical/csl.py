"""Bibliographic data of a source as a CSL-JSON item, checked, and the citation that is printed from it.

CSL-JSON is the input format of the Citation Style Language (schema 1.0.2), which reference managers and libraries
exchange. Only the variables that a medical citation needs are taken; another one is refused, so that a misspelt
variable is not lost in silence.
"""

import re
from collections.abc import Mapping
from typing import Final

from shared.policy import PolicyError

TYPES: Final = frozenset(
    {"article-journal", "report", "legislation", "regulation", "book", "chapter", "webpage", "article", "document"}
)
TEXTS: Final = frozenset(
    {
        "title",
        "container-title",
        "volume",
        "issue",
        "page",
        "number",
        "version",
        "publisher",
        "DOI",
        "PMID",
        "PMCID",
        "URL",
    }
)
_KEYS: Final = TEXTS | {"type", "author", "issued"}
_NAME_KEYS: Final = frozenset({"family", "given", "literal"})
FORMS: Final[Mapping[str, re.Pattern[str]]] = {
    "DOI": re.compile(r"10\.\d{1,9}/\S+"),
    "PMID": re.compile(r"[1-9]\d{0,8}"),
    "PMCID": re.compile(r"PMC\d+"),
}

Item = Mapping[str, object]


def parse_csl(data: object, where: str) -> Item:
    """The item as it was given, once it is known to be sound.

    Raises:
        PolicyError: a variable is unknown or not text, a name has neither ``family`` nor ``literal``, the date is not a
            ``date-parts`` of whole numbers, a DOI, PMID or PMCID has not the form of one, or nothing can be cited.
    """
    if not isinstance(data, dict):
        raise PolicyError(f"{where}: must be a CSL-JSON item.")
    unknown = sorted(str(key) for key in data if key not in _KEYS)
    if unknown:
        raise PolicyError(f"{where}: has no {unknown[0]}; it may have {', '.join(sorted(_KEYS))}.")
    if not isinstance(data.get("type"), str) or data["type"] not in TYPES:
        raise PolicyError(f"{where}: type must be one of {', '.join(sorted(TYPES))}.")
    for key in sorted(TEXTS & data.keys()):
        value = data[key]
        if not isinstance(value, str) or not value.strip():
            raise PolicyError(f"{where}.{key}: must be text.")
        if key in FORMS and not FORMS[key].fullmatch(value):
            raise PolicyError(f"{where}.{key}: {value} has not the form of a {key}.")
    authors = data.get("author", [])
    if not isinstance(authors, list) or not all(_is_name(name) for name in authors):
        raise PolicyError(f"{where}.author: needs a list of names, each with family and given, or literal.")
    if not authors and "title" not in data:
        raise PolicyError(f"{where}: needs an author or a title to be cited by.")
    year_of(data, where)
    return data


def _is_name(name: object) -> bool:
    if not isinstance(name, dict) or not name.keys() <= _NAME_KEYS:
        return False
    texts = all(isinstance(value, str) and value.strip() for value in name.values())
    return texts and (name.keys() == {"literal"} or ("family" in name and "literal" not in name))


def year_of(item: Item, where: str = "issued") -> int | None:
    """The year of ``issued``; None where the item has no date.

    Raises:
        PolicyError: ``issued`` is not ``{date-parts: [[year, month, day]]}``, of which month and day may be missing.
    """
    issued = item.get("issued")
    if issued is None:
        return None
    parts = issued.get("date-parts") if isinstance(issued, dict) and issued.keys() == {"date-parts"} else None
    first = parts[0] if isinstance(parts, list) and len(parts) == 1 else None
    if not isinstance(first, list) or not 1 <= len(first) <= 3 or not all(type(part) is int for part in first):
        raise PolicyError(f"{where}.issued: needs date-parts, for example [[2005]] or [[2005, 8, 20]].")
    return int(first[0])


def identifier_of(item: Item) -> str | None:
    """``doi:...``, else ``pmid:...``, else None."""
    return f"doi:{item['DOI']}" if "DOI" in item else f"pmid:{item['PMID']}" if "PMID" in item else None


def citation_of(item: Item, *, et_al: bool) -> str:
    """Authors. Title. Journal year;volume(issue):pages, in the order of the National Library of Medicine.

    ``et_al`` says that the list of authors goes on beyond those named.
    """
    names = [_name(name) for name in _list(item.get("author"))] + (["et al"] if et_al else [])
    issue = f"({item['issue']})" if "issue" in item else ""
    volume = f";{item['volume']}{issue}" if "volume" in item else ""
    pages = f":{item['page']}" if "page" in item else ""
    journal = f"{item['container-title']} " if "container-title" in item else ""
    imprint = f"{journal}{year_of(item) or ''}{volume}{pages}".strip()
    parts = [", ".join(names), str(item.get("title", "")), imprint]
    return ". ".join(" ".join(part.split()).rstrip(".") for part in parts if part) + "."


def _list(value: object) -> list[Mapping[str, str]]:
    return value if isinstance(value, list) else []


def _name(name: Mapping[str, str]) -> str:
    if "literal" in name:
        return name["literal"]
    return f"{name['family']} {name['given']}" if "given" in name else name["family"]
