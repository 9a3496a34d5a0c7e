"""Readers of PubMed XML, MEDLINE, RIS and JSON lines: what a record says, and what a broken one costs."""

import io
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.evidence_lookup.domain.search.article import Article
from services.evidence_lookup.domain.search.citations import read_beir, read_medline, read_ris
from services.evidence_lookup.domain.search.pubmed import read_pubmed
from services.evidence_lookup.domain.search.records import (
    Broken,
    Change,
    Deleted,
    FormatError,
    Record,
    Records,
    Retracted,
    date_of,
)
from tests.support import pubmed

MEDLINE = """PMID- 16112300
OWN - NLM
TI  - Direct decompressive surgical resection in the treatment of spinal cord
      compression caused by metastatic cancer: a randomised trial.
AB  - BACKGROUND: The standard treatment.
FAU - Patchell, Roy A
AU  - Patchell RA
AU  - Tibbs PA
PT  - Journal Article
PT  - Randomized Controlled Trial
TA  - Lancet
DP  - 2005 Aug 20-26
MH  - Spinal Cord Compression/*surgery
AID - S0140-6736(05)66954-1 [pii]
AID - 10.1016/S0140-6736(05)66954-1 [doi]

PMID- 2
TI  - Withdrawn.
RIN - J Things. 2010;1:1. PMID: 3

PMID- 3
TI  - Retraction notice.
PT  - Retraction of Publication
ROF - Doe J. J Things. 2009;1:1. PMID: 4

PMID- 5
AB  - No title.
"""
RIS = """TY  - JOUR
TI  - A novel classification system for spinal instability
AU  - Fisher, Charles G.
AU  - DiPaola, Christian P.
PY  - 2010/10/15
JO  - Spine
DO  - 10.1097/BRS.0b013e3181e16ae2
AB  - We describe SINS.
KW  - spine
ER  -

TY  - JOUR
TI  - RETRACTED: Something
ER  - \

TY  - JOUR
AB  - No title
ER  -

TY  - JOUR
TI  - No end
"""


def changes(reader: Callable[..., Records], content: str | bytes, skip: int = 0) -> list[Change]:
    raw = content.encode() if isinstance(content, str) else content
    return [c for record in read(reader, raw, skip) for c in record.changes]


def read(reader: Callable[..., Records], raw: bytes, skip: int = 0) -> list[Record]:
    return list(reader(io.BytesIO(raw), skip))


def test_a_pubmed_article_is_read_whole() -> None:
    content = pubmed.file(pubmed.article("7", "Cord <compression> & β", "We studied.", types=["Review"], version=2))
    [found] = changes(read_pubmed, content)
    assert found == Article(
        "pubmed",
        "7",
        "Cord <compression> & β",
        "BACKGROUND: We studied.",
        "Lancet Things",
        ("Doe J", "The Group"),
        "2019-08-20",
        ("Review",),
        ("Spinal Neoplasms",),
        "10.1000/7",
        False,
        2,
    )
    assert found.citation == "Doe J, The Group. Cord <compression> & β. Lancet Things; 2019."
    assert found.identifier == "PMID 7"


def test_markup_in_a_title_is_text() -> None:
    content = pubmed.file(pubmed.article("7", "XX")).replace(b"XX", b"Effect of <i>p53</i> on H<sub>2</sub>O")
    [found] = changes(read_pubmed, content)
    assert isinstance(found, Article) and found.title == "Effect of p53 on H2O"


def test_deletions_and_retractions_by_type_by_link_and_by_notice() -> None:
    content = pubmed.file(
        pubmed.article("1", types=["Retracted Publication"]),
        pubmed.article("2", comments=pubmed.comment("RetractionIn", "3")),
        pubmed.article("3", types=["Retraction of Publication"], comments=pubmed.comment("RetractionOf", "9")),
        pubmed.article("4", comments=pubmed.comment("CommentIn", "5")),
        pubmed.deletion("10", "11"),
    )
    found = changes(read_pubmed, content)
    assert {a.id: a.retracted for a in found if isinstance(a, Article)} == {"1": True, "2": True, "3": True, "4": False}
    assert [c for c in found if not isinstance(c, Article)] == [
        Retracted("pubmed", "9"),
        Deleted("pubmed", "10"),
        Deleted("pubmed", "11"),
    ]


@pytest.mark.parametrize(
    "broken",
    [
        pubmed.article("2").replace("<Article ", "<Article <", 1),
        pubmed.article("2").replace("</PubmedArticle>", ""),
        pubmed.article("2").replace("</MedlineCitation>", ""),
        pubmed.article("2").replace('<PMID Version="1">2</PMID>', ""),
        pubmed.article("2").replace("A title", "&unknown;"),
        pubmed.article("2", title=""),
        pubmed.article("2").replace("<PubmedArticle>", '<PubmedArticle><!DOCTYPE a [<!ENTITY b "c">]>'),
    ],
)
def test_a_broken_record_costs_itself_alone(broken: str) -> None:
    found = changes(read_pubmed, pubmed.file(pubmed.article("1"), broken, pubmed.article("3")))
    assert [c.id if isinstance(c, Article) else type(c).__name__ for c in found] == ["1", "Broken", "3"]


def test_a_file_that_ends_early_says_so() -> None:
    whole = pubmed.file(pubmed.article("1"), pubmed.article("2"))
    cut = whole[: whole.index(b"<Article ", whole.index(b">2</PMID>"))]
    assert [type(c) for c in changes(read_pubmed, cut)] == [Article, Broken]
    between = whole[: whole.index(b"</PubmedArticle>") + len(b"</PubmedArticle>")]
    assert [type(c) for c in changes(read_pubmed, between)] == [Article, Broken]


@settings(deadline=None)
@given(st.integers(1, 700), st.integers(0, 4))
def test_where_blocks_end_does_not_matter(block: int, skip: int) -> None:
    content = pubmed.file(
        pubmed.article("1"), pubmed.article("2", "x" * 300), pubmed.deletion("3"), pubmed.article("4")
    )
    whole = read(read_pubmed, content)

    class Slow(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            return super().read(min(size, block) if size and size > 0 and self.tell() else size)

    assert list(read_pubmed(Slow(content), skip)) == whole[skip:]


def test_medline_records() -> None:
    found = changes(read_medline, MEDLINE)
    [first, second, third, notice, broken] = found
    assert isinstance(first, Article) and isinstance(second, Article) and isinstance(third, Article)
    assert first.title.endswith("cord compression caused by metastatic cancer: a randomised trial.")
    assert (first.published, first.journal, first.doi) == ("2005-08-20", "Lancet", "10.1016/S0140-6736(05)66954-1")
    assert first.authors == ("Patchell RA", "Tibbs PA") and first.mesh == ("Spinal Cord Compression",)
    assert not first.retracted and second.retracted and third.retracted
    assert notice == Retracted("pubmed", "4") and isinstance(broken, Broken)


def test_ris_records() -> None:
    [first, second, third, fourth] = changes(read_ris, RIS)
    assert isinstance(first, Article) and isinstance(second, Article)
    assert (first.source, first.id, first.identifier) == (
        "ris",
        "10.1097/BRS.0b013e3181e16ae2",
        "doi 10.1097/BRS.0b013e3181e16ae2",
    )
    assert (first.published, first.journal, first.abstract) == ("2010-10-15", "Spine", "We describe SINS.")
    assert first.authors == ("Fisher, Charles G.", "DiPaola, Christian P.")
    assert second.retracted and second.id
    assert isinstance(third, Broken) and isinstance(fourth, Broken)


def test_json_lines() -> None:
    found = changes(read_beir, '{"_id": "1", "title": "T", "text": "x"}\n\n{"_id": "2"}\n{"_id": "3", "text": "y"}\n')
    assert [c.id if isinstance(c, Article) else "broken" for c in found] == ["1", "broken", "3"]


@pytest.mark.parametrize("reader", [read_pubmed, read_medline, read_ris, read_beir])
@pytest.mark.parametrize("content", [b"", b"id,title\n1,a\n", b"<html><body/></html>", b"\xff\xfe\x00", b'{"a": 1}\n'])
def test_another_format_is_refused_before_anything_is_read(reader: Callable[..., Records], content: bytes) -> None:
    with pytest.raises(FormatError):
        read(reader, content)


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_between_two_records_are_survived(noise: bytes) -> None:
    content = pubmed.file(pubmed.article("1"), "NOISE", pubmed.article("2")).replace(b"NOISE", noise)
    ids = [c.id for c in changes(read_pubmed, content) if isinstance(c, Article)]
    assert ids[0] == "1" and ids[-1] == "2"


@pytest.mark.parametrize(
    ("text", "date"),
    [
        ("2005 Aug 20-26", "2005-08-20"),
        ("1998 Dec-1999 Jan", "1998-12"),
        ("2019", "2019"),
        ("2010/10/15/", "2010-10-15"),
        ("Spring 2001", "2001"),
        ("2001 Spring", "2001"),
        ("2001 13", "2001"),
        ("n.d.", ""),
    ],
)
def test_dates_keep_the_precision_they_have(text: str, date: str) -> None:
    assert date_of(text) == date
