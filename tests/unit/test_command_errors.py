"""Commands end with one sentence and an exit code; what a defect says of a chart stays inside."""

import pytest

from services.cli.errors import DEFECT, REFUSED, fail, guarded
from shared.policy import PolicyError


def _ended(capsys: pytest.CaptureFixture[str], work: object) -> tuple[object, str]:
    def app(**_: object) -> None:
        if isinstance(work, Exception):
            raise work
        fail(REFUSED, str(work))

    with pytest.raises(SystemExit) as ended:
        guarded(app)
    out, err = capsys.readouterr()
    assert out == ""
    return ended.value.code, err


def test_a_refusal_is_its_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert _ended(capsys, "Say which case.") == (REFUSED, "Say which case.\n")


def test_a_defect_names_its_kind_and_place_only(capsys: pytest.CaptureFixture[str]) -> None:
    code, said = _ended(capsys, ValueError("Jane Roe has a lytic lesion"))
    assert code == DEFECT
    assert "ValueError at test_command_errors.py" in said
    assert "Roe" not in said
    assert said.count("\n") == 1


def test_a_policy_that_cannot_be_used_is_refused_by_any_command_in_its_own_words(
    capsys: pytest.CaptureFixture[str],
) -> None:
    code, said = _ended(capsys, PolicyError("cpap-osa.yaml, line 3: This is not YAML."))
    assert (code, said) == (REFUSED, "cpap-osa.yaml, line 3: This is not YAML.\n")
