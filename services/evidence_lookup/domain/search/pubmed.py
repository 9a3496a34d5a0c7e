"""Reads PubMed's XML, baseline and update files (the DTD of 2019 and later). Pure: it is given the stream.

A file is cut into its records by their tags before any of it is parsed as XML, so that a record that is not well-formed
costs that record alone.
"""

import re
from collections.abc import Iterator
from typing import BinaryIO, Final
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from services.evidence_lookup.domain.search.article import Article
from services.evidence_lookup.domain.search.records import (
    PUBMED,
    Broken,
    Change,
    Deleted,
    FormatError,
    Record,
    Records,
    Retracted,
    date_of,
    is_withdrawn,
    one_line,
)

_BLOCK: Final = 1 << 20
_HEAD: Final = re.compile(rb"<(?:PubmedArticleSet|PubmedBookArticleSet|PubmedArticle|DeleteCitation)[\s>]")
_OPEN: Final = re.compile(rb"<(PubmedArticle|PubmedBookArticle|DeleteCitation)(?:\s[^>]*)?>")
_LONGEST_TAG: Final = 256
_SET_END: Final = re.compile(rb"</Pubmed(?:Book)?ArticleSet\s*>")


def read_pubmed(stream: BinaryIO, skip: int = 0) -> Records:
    """The records of a PubMed file from the one after ``skip`` on.

    Raises:
        FormatError: it is no PubMed file.
    """
    for place, (name, raw) in enumerate(_split(stream), start=1):
        if place > skip:
            yield Record(place, tuple(_changes(name, raw)))


def _split(stream: BinaryIO) -> Iterator[tuple[bytes, bytes | None]]:
    """Each record's tag and bytes; None where its end is missing."""
    buffer = stream.read(_BLOCK)
    if not _HEAD.search(buffer):
        raise FormatError("No PubmedArticleSet begins in it.")
    ended = False
    while True:
        found = _OPEN.search(buffer)
        if found is None and ended:
            if not _SET_END.search(buffer):
                yield b"PubmedArticleSet", None
            return
        close = -1 if found is None else buffer.find(b"</" + found[1] + b">", found.end())
        following = None if found is None else _OPEN.search(buffer, found.end())
        if found is not None and close >= 0 and (following is None or close < following.start()):
            close += len(found[1]) + 3
            yield found[1], buffer[found.start() : close]
            buffer = buffer[close:]
        elif found is not None and (following is not None or ended):
            yield found[1], None
            if following is None:
                return
            buffer = buffer[following.start() :]
        else:
            block = stream.read(_BLOCK)
            ended = not block
            buffer = (buffer if found is not None else buffer[-_LONGEST_TAG:]) + block


def _changes(name: bytes, raw: bytes | None) -> Iterator[Change]:
    if raw is None:
        yield Broken("The file ends before its set does." if name == b"PubmedArticleSet" else "The record has no end.")
        return
    try:
        root = fromstring(raw)
    except (ParseError, DefusedXmlException, ValueError, LookupError):
        yield Broken("It is not well-formed XML.")
        return
    if name == b"DeleteCitation":
        yield from (Deleted(PUBMED, pmid) for pmid in filter(None, (one_line(e.text or "") for e in root.iter("PMID"))))
    elif name == b"PubmedArticle":
        yield from _article(root)


def _article(root: Element) -> Iterator[Change]:
    citation = root.find("MedlineCitation")
    article = None if citation is None else citation.find("Article")
    pmid = "" if citation is None else _text(citation.find("PMID"))
    if citation is None or article is None or not pmid.isdigit():
        yield Broken("It has no PMID or no article.")
        return
    types = tuple(filter(None, map(_text, article.iterfind("PublicationTypeList/PublicationType"))))
    title = _text(article.find("ArticleTitle")) or _text(article.find("VernacularTitle"))
    if not title:
        yield Broken(f"PMID {pmid} has no title.")
        return
    notices = {c.get("RefType"): c for c in citation.iterfind("CommentsCorrectionsList/CommentsCorrections")}
    yield Article(
        PUBMED,
        pmid,
        title,
        _abstract(article),
        _text(article.find("Journal/ISOAbbreviation")) or _text(article.find("Journal/Title")),
        tuple(filter(None, map(_author, article.iterfind("AuthorList/Author")))),
        _published(article),
        types,
        tuple(filter(None, map(_text, citation.iterfind("MeshHeadingList/MeshHeading/DescriptorName")))),
        _doi(root, article),
        is_withdrawn(types) or "RetractionIn" in notices or "ExpressionOfConcernIn" in notices,
        _version(citation.find("PMID")),
    )
    for comment in citation.iterfind("CommentsCorrectionsList/CommentsCorrections[@RefType='RetractionOf']"):
        retracted = _text(comment.find("PMID"))
        if retracted:
            yield Retracted(PUBMED, retracted)


def _text(element: Element | None) -> str:
    return "" if element is None else one_line("".join(element.itertext()))


def _abstract(article: Element) -> str:
    parts = []
    for part in article.iterfind("Abstract/AbstractText"):
        label, text = part.get("Label"), _text(part)
        if text:
            parts.append(f"{label}: {text}" if label and label.upper() != "UNLABELLED" else text)
    return "\n".join(parts)


def _author(author: Element) -> str:
    name = " ".join(filter(None, (_text(author.find("LastName")), _text(author.find("Initials")))))
    return name or _text(author.find("CollectiveName"))


def _published(article: Element) -> str:
    for place in ("Journal/JournalIssue/PubDate", "ArticleDate"):
        date = article.find(place)
        if date is not None:
            parts = (_text(date.find(part)) for part in ("Year", "Month", "Day"))
            found = date_of(" ".join(filter(None, parts)) or _text(date.find("MedlineDate")))
            if found:
                return found
    return ""


def _doi(root: Element, article: Element) -> str | None:
    here = _text(article.find("ELocationID[@EIdType='doi']"))
    return here or _text(root.find("PubmedData/ArticleIdList/ArticleId[@IdType='doi']")) or None


def _version(pmid: Element | None) -> int:
    version = "1" if pmid is None else pmid.get("Version", "1")
    return int(version) if version.isdigit() else 1
