"""Options that many commands share."""

from pathlib import Path
from typing import Annotated

import typer

DataDir = Annotated[
    Path | None, typer.Option(help="The data directory of a running `priorauth up`.", envvar="PRIORAUTH_DATA_DIR")
]
Url = Annotated[str | None, typer.Option(help="Address of intake.", envvar="PRIORAUTH_URL")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
ArchiveDir = Annotated[
    Path | None, typer.Option("--archives", help="The folder of archived months, where there are any.")
]
