"""The console of a running platform: the way in from the command line, the page, and a decision that the journal keeps."""

import html
import re
from uuid import uuid4

import httpx

from shared import flow
from tests.support.console import APPROVED, REFERRED, demo
from tests.support.running import Platform, Provider


async def enter(platform: Platform, client: httpx.AsyncClient, *arguments: str) -> httpx.Response:
    """Follows a link that the command line makes."""
    made = await platform.priorauth("console", "link", "--json", *arguments)
    assert made.code == 0, made.stderr
    return await client.get(made.json()["url"], follow_redirects=True)


async def test_a_link_leads_to_a_case_with_its_quotes(platform: Platform, provider: Provider) -> None:
    case_id, _ = await provider.submit(demo(APPROVED.name, str(uuid4())), wait=30)
    async with httpx.AsyncClient(timeout=30) as client:
        page = await enter(platform, client, "--case", case_id)
        assert page.status_code == 200 and str(page.url).endswith(f"/ui/cases/{case_id}")
        assert "Approved" in page.text and "operator" in page.text
        [note, *_] = re.findall(r'href="(/ui/cases/[^"#]+/notes/1)#', page.text)
        assert "<mark" in (await client.get(platform.url("console") + note)).text


async def test_a_clinicians_decision_reaches_the_journal(platform: Platform, provider: Provider) -> None:
    case_id, _ = await provider.submit(demo(REFERRED.name, str(uuid4())), wait=30)
    async with httpx.AsyncClient(timeout=30) as client:
        page = (await enter(platform, client, "--as", "dr-osei", "--case", case_id)).text
        form = page[page.index('id="decision-title"') :]
        hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]+)"', form))
        fields = {name: html.unescape(value) for name, value in hidden.items()}
        answer = await client.post(
            f"{platform.url('console')}/ui/cases/{case_id}/decisions",
            data={**fields, "decision": "approve", "rationale": "Conservative care was tried for a year."},
        )
    assert answer.status_code == 303, answer.text
    case = await provider.case(case_id)
    assert ("clinician:dr-osei", flow.CASE_APPROVED) in [(e["actor"], e["type"]) for e in case["timeline"]]


async def test_a_link_for_nobody_or_to_nowhere_is_refused(platform: Platform) -> None:
    nobody = await platform.priorauth("console", "link", "--as", "nobody")
    assert nobody.code == 2 and "Nobody of that name has a token" in nobody.stderr
    away = await platform.priorauth("console", "link", "--data-dir", str(platform.data_dir / "elsewhere"))
    assert away.code == 4 and "run.json" in away.stderr
