"""PubMed XML as its baseline and update files have it, made up."""

from collections.abc import Iterable
from xml.sax.saxutils import escape

HEAD = """<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE PubmedArticleSet PUBLIC "-//NLM//DTD PubMedArticle, 1st January 2019//EN" "pubmed_190101.dtd">
<PubmedArticleSet>
"""
TAIL = "</PubmedArticleSet>\n"


def article(
    pmid: str,
    title: str = "A title",
    abstract: str = "An abstract.",
    *,
    version: int = 1,
    types: Iterable[str] = ("Journal Article",),
    comments: str = "",
    year: str = "2019",
) -> str:
    """One PubmedArticle; ``comments`` is what stands in its CommentsCorrectionsList."""
    publication_types = "".join(f'<PublicationType UI="D1">{t}</PublicationType>' for t in types)
    return f"""<PubmedArticle><MedlineCitation Status="MEDLINE" Owner="NLM">
<PMID Version="{version}">{pmid}</PMID>
<Article PubModel="Print-Electronic"><Journal><JournalIssue CitedMedium="Internet"><PubDate><Year>{year}</Year>
<Month>Aug</Month><Day>20</Day></PubDate></JournalIssue><Title>The Lancet of things</Title>
<ISOAbbreviation>Lancet Things</ISOAbbreviation></Journal><ArticleTitle>{escape(title)}</ArticleTitle>
<ELocationID EIdType="doi" ValidYN="Y">10.1000/{pmid}</ELocationID>
<Abstract><AbstractText Label="BACKGROUND">{escape(abstract)}</AbstractText></Abstract>
<AuthorList CompleteYN="Y"><Author ValidYN="Y"><LastName>Doe</LastName><ForeName>Jane</ForeName><Initials>J</Initials>
</Author><Author><CollectiveName>The Group</CollectiveName></Author></AuthorList>
<PublicationTypeList>{publication_types}</PublicationTypeList></Article>
<MeshHeadingList><MeshHeading><DescriptorName UI="D2">Spinal Neoplasms</DescriptorName>
<QualifierName UI="Q1">surgery</QualifierName></MeshHeading></MeshHeadingList>
<CommentsCorrectionsList>{comments}</CommentsCorrectionsList></MedlineCitation></PubmedArticle>
"""


def comment(kind: str, pmid: str) -> str:
    """A link to another record, such as ``RetractionOf``."""
    return f'<CommentsCorrections RefType="{kind}"><RefSource>R</RefSource><PMID Version="1">{pmid}</PMID></CommentsCorrections>'


def deletion(*pmids: str) -> str:
    """The deletions at the end of an update file."""
    return "<DeleteCitation>" + "".join(f'<PMID Version="1">{p}</PMID>' for p in pmids) + "</DeleteCitation>\n"


def file(*parts: str) -> bytes:
    """A whole file."""
    return (HEAD + "".join(parts) + TAIL).encode()
