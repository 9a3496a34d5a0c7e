"""Text of chart documents, and the resources of a stored Bundle."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pypdf import PdfWriter
from pypdf.generic import DecodedStreamObject, DictionaryObject, NameObject

from shared.clinical.attachment_text import MAX_TEXT, document_text, is_readable
from shared.clinical.fhir_paths import resources_of
from tests.support.requests import as_body, make_request

TYPES = (
    "text/plain",
    "text/plain; charset=utf-16",
    "text/html",
    "application/rtf",
    "application/pdf",
    "text/xml",
    "image/png",
    "",
)


@pytest.mark.parametrize(
    ("content_type", "data", "text"),
    [
        ("text/plain; charset=utf-8", "Kyphose 18°".encode(), "Kyphose 18°"),
        ("text/plain", b"\xef\xbb\xbfKPS 70", "KPS 70"),
        ("text/plain", "pain ≥ 5".encode("utf-16"), "pain ≥ 5"),
        ("text/plain; charset=UTF-16LE", "T8".encode("utf-16-le"), "T8"),
        ("text/plain; charset=iso-8859-1", "18\xb0 \x93burst\x94".encode("latin1"), "18° “burst”"),
        ("text/plain; charset=us-ascii", "naïve".encode(), "naïve"),
        ("text/plain; charset=utf-8", b"caf\xe9", "café"),
        ("text/plain; charset=rot13", b"No weakness", "No weakness"),
        ('TEXT/PLAIN;charset="utf-8"', b"L4", "L4"),
        ("text/plain", b"EXAM:\r\n\tMotor 4/5\r\n", "EXAM:\r\n\tMotor 4/5\r\n"),
    ],
)
def test_plain_text_is_decoded(content_type: str, data: bytes, text: str) -> None:
    assert document_text(content_type, data) == (text, ())


def test_control_characters_become_blanks_and_move_nothing() -> None:
    original = "IMAGING\x0c\x00CT: \x1b[1mlytic lesion\x7f of T8"
    text, flags = document_text("text/plain", original.encode())
    assert flags == ()
    assert len(text) == len(original)
    assert text.index("lytic lesion") == original.index("lytic lesion")
    assert text.isprintable()


def test_html_is_what_a_reader_sees() -> None:
    page = (
        "<!doctype html><html><head><title>x</title><style>p{}</style><meta charset='windows-1252'></head><body>"
        "<script>var weakness = true</script><h2>EXAM</h2><p>Hip&nbsp;flexion &lt; 4/5\n on the <b>left</b></p>"
        "<p><del>No weakness.</del> Walks with a cane.<br>KPS 60</p>"
        "<table><tr><th>SINS</th><td>14</td></tr></table><pre>a\n  b</pre></body></html>"
    )
    text, flags = document_text("text/html", page.encode())
    assert flags == ()
    assert text == "EXAM\n\nHip flexion < 4/5 on the left\n\nWalks with a cane.\nKPS 60\n\nSINS 14\n\na\nb"


def test_an_html_head_that_is_not_closed_hides_no_body() -> None:
    assert document_text("text/html", b"<head><title>t</title><body>Lytic lesion")[0] == "Lytic lesion"


def test_rtf_keeps_text_and_drops_what_is_not_shown() -> None:
    rtf = (
        rb"{\rtf1\ansi\ansicpg1252\deff0{\fonttbl{\f0\fswiss Helvetica;}}{\*\generator Word;}{\info{\author A}}"
        rb"\pard\f0\b EXAM:\b0\par Hip flexion 3/5, pain \'93burning\'94 \u8805 ?5/10.\line "
        rb"{\strike no deficit}{\v hidden} L3\endash L5 \{\u-10179?\u-8704?\}{\pict\bin4 }}}}}done\par}"
    )
    text, flags = document_text("application/rtf", rtf)
    assert flags == ()
    assert text == "EXAM:\nHip flexion 3/5, pain “burning” ≥5/10.\n L3–L5 {\U0001f600}done\n"


def test_a_clinical_document_gives_its_narrative_only() -> None:
    cda = (
        '<?xml version="1.0"?><ClinicalDocument xmlns="urn:hl7-org:v3"><title>Consult</title><recordTarget><patientRole>'
        "<patient><name><given>Nobody</given></name></patient></patientRole></recordTarget><component><section>"
        "<title>RESULTS</title><text><paragraph>T8 lesion</paragraph><list><item>ESCC 3</item></list></text>"
        "<entry><observation><value>17</value></observation></entry></section></component></ClinicalDocument>"
    )
    text, flags = document_text("application/hl7-cda+xml", cda.encode())
    assert flags == ()
    assert text.split() == ["Consult", "RESULTS", "T8", "lesion", "ESCC", "3"]
    assert document_text("text/xml", b"<other><text>x</text></other>") == ("", ("unsupported-type",))


def _pdf(*lines: str) -> bytes:
    writer = PdfWriter()
    for line in lines:
        page = writer.add_blank_page(300, 300)
        font = DictionaryObject(
            {
                NameObject("/Type"): NameObject("/Font"),
                NameObject("/Subtype"): NameObject("/Type1"),
                NameObject("/BaseFont"): NameObject("/Helvetica"),
            }
        )
        fonts = DictionaryObject({NameObject("/F1"): font})
        page[NameObject("/Resources")] = DictionaryObject({NameObject("/Font"): fonts})
        stream = DecodedStreamObject()
        stream.set_data(f"BT /F1 12 Tf 20 200 Td ({line}) Tj ET".encode() if line else b"")
        page[NameObject("/Contents")] = writer._add_object(stream)
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def test_a_pdf_gives_its_text_layer_and_a_scan_says_that_it_has_none() -> None:
    text, flags = document_text("application/pdf", _pdf("Lytic lesion of L4", "KPS 80"))
    assert flags == ()
    assert text.split("\n\n") == ["Lytic lesion of L4", "KPS 80"]
    assert document_text("application/pdf", _pdf("")) == ("", ("no-text",))
    assert document_text("application/pdf", b"%PDF-1.7 nothing follows") == ("", ("no-text",))


@pytest.mark.parametrize(
    ("content_type", "data", "flag"),
    [
        ("image/png", b"\x89PNG", "unsupported-type"),
        ("application/dicom", b"DICM", "unsupported-type"),
        ("", b"x", "unsupported-type"),
        ("text/plain", b"%PDF-1.4\n...", "wrong-type"),
        ("text/plain", bytes(200), "unsupported-type"),
        ("application/rtf", b"not rtf", "wrong-type"),
        ("application/rtf", b"{\\rtf1" + b"{" * 1000, "unsupported-type"),
        ("text/plain", b"", "empty"),
        ("text/plain", b" \n\t ", "empty"),
        ("text/html", b"<p> </p>", "empty"),
        ("text/plain", b"x" * (MAX_TEXT + 1), "too-long"),
    ],
)
def test_what_cannot_be_read_is_flagged(content_type: str, data: bytes, flag: str) -> None:
    assert document_text(content_type, data) == ("", (flag,))


@given(st.sampled_from(TYPES), st.binary(max_size=300))
def test_no_document_makes_it_raise_and_a_flag_means_no_text(content_type: str, data: bytes) -> None:
    text, flags = document_text(content_type, data)
    assert bool(flags) == (text == "")
    assert not flags or text == ""


@given(
    st.sampled_from(("text/html", "application/rtf", "text/xml")),
    st.lists(
        st.sampled_from(
            [
                "<p>",
                "</p>",
                "<del>",
                "</",
                "<!",
                "&#x;",
                "{\\rtf1",
                "\\u-1 ",
                "\\'f",
                "\\bin9 ",
                "}",
                "{",
                "\\*",
                "x",
                "<ClinicalDocument>",
            ]
        ),
        max_size=12,
    ),
)
def test_broken_markup_does_not_raise(content_type: str, pieces: list[str]) -> None:
    text, flags = document_text(content_type, "".join(pieces).encode())
    assert bool(flags) == (text == "")


def test_plain_text_is_its_own_text() -> None:
    @given(st.text(st.characters(exclude_categories=("Cc", "Cs")), min_size=1).filter(lambda t: t.strip() != ""))
    def law(text: str) -> None:
        marked = text if not text.startswith("\ufeff") else "x" + text
        kept, flags = document_text("text/plain; charset=utf-8", marked.encode())
        assert flags or kept == marked

    law()


def test_readable_types_are_those_that_are_read() -> None:
    assert is_readable("text/plain; charset=utf-8")
    assert is_readable("Application/PDF")
    assert not is_readable("image/jpeg")
    assert not is_readable("")


def test_resources_have_the_path_of_their_entry() -> None:
    inner = {"resourceType": "Observation", "id": "o"}
    bundle = make_request(1, notes=["x"])
    bundle["entry"][6]["resource"]["contained"] = [{"resourceType": "Practitioner", "id": "a"}]
    bundle["entry"].append(
        {"fullUrl": "urn:x", "resource": {"resourceType": "Bundle", "entry": [{"resource": inner}, {}]}}
    )
    bundle["entry"].append({"fullUrl": "urn:y"})
    found = {r.path: r.body["resourceType"] for r in resources_of(as_body(bundle))}
    assert found["Bundle.entry[0].resource"] == "Claim"
    assert found["Bundle.entry[6].resource.contained[0]"] == "Practitioner"
    assert found["Bundle.entry[7].resource.entry[0].resource"] == "Observation"
    assert len(found) == 10
