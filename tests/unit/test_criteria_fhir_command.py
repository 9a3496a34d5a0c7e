"""``priorauth criteria export`` and ``import``: what they refuse to write, and that nothing is half written."""

import io
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from services.cli.criteria import app
from services.cli.errors import guarded
from tests.support.criteria_fhir import SETS


@dataclass(frozen=True)
class Ended:
    """How a command ended, and what it said on standard error."""

    code: int
    said: str


def run(*arguments: str | Path) -> Ended:
    """The command within this process, as ``main`` runs it."""
    errors, code = io.StringIO(), 0
    with redirect_stderr(errors), redirect_stdout(io.StringIO()):
        try:
            guarded(partial(app, [str(argument) for argument in arguments]))
        except SystemExit as ended:
            code = int(ended.code or 0)
    return Ended(code, errors.getvalue())


def test_an_import_replaces_nothing_unasked_and_leaves_nothing_half_written(tmp_path: Path) -> None:
    bundle, folder = tmp_path / "bundle.json", tmp_path / "sets"
    assert run("export", "cpap-osa", "--to", bundle, "--criteria", SETS).code == 0
    folder.mkdir()
    (folder / "cpap-osa.yaml").write_text("mine", encoding="utf-8")
    unasked = run("import", bundle, "--to", folder)
    assert unasked.code == 3 and "--force" in unasked.said
    assert (folder / "cpap-osa.yaml").read_text(encoding="utf-8") == "mine"
    broken = tmp_path / "broken.json"
    broken.write_text(
        bundle.read_text(encoding="utf-8").replace('"id": "cpap-osa"', '"id": "../cpap-osa"'), encoding="utf-8"
    )
    refused = run("import", broken, "--to", folder, "--force")
    assert refused.code == 3 and refused.said.count("\n") == 1
    assert (folder / "cpap-osa.yaml").read_text(encoding="utf-8") == "mine"
    assert run("import", bundle, "--to", folder, "--force").code == 0
    assert (folder / "cpap-osa.yaml").read_bytes() == (SETS / "cpap-osa.yaml").read_bytes()
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["broken.json", "bundle.json", "cpap-osa.yaml", "sets"]


def test_export_and_import_say_what_is_missing(tmp_path: Path) -> None:
    text = (SETS / "cpap-osa.yaml").read_text(encoding="utf-8")
    (tmp_path / "old.yaml").write_bytes(text.replace("\n", "\r\n").encode())
    (tmp_path / "new.yaml").write_text(text.replace('version: "1.0.0"', 'version: "2.0.0"', 1), encoding="utf-8")
    bundle = tmp_path / "bundle.json"
    several = run("export", "cpap-osa", "--criteria", tmp_path, "--to", bundle)
    assert several.code == 2 and "1.0.0, 2.0.0" in several.said and not bundle.exists()
    absent = run("export", "cpap-osa", "--criteria", tmp_path, "--to", bundle, "--version", "3")
    assert absent.code == 2 and not bundle.exists()
    old = run("export", "cpap-osa", "--criteria", tmp_path, "--to", bundle, "--version", "1.0.0")
    assert old.code == 0, old.said
    assert run("import", bundle, "--to", tmp_path).code == 0
    # The line ends of the file come back too.
    assert (tmp_path / "cpap-osa.yaml").read_bytes() == (tmp_path / "old.yaml").read_bytes()
    assert run("export", "nothing", "--to", bundle).code == 2
    assert run("import", tmp_path / "nothing.json", "--to", tmp_path).code == 2
    assert run("export", "cpap-osa", "--to", tmp_path).code == 2
