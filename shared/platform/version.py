"""The version of this code, which stands in every event that it makes."""

from importlib.metadata import PackageNotFoundError, version
from typing import Final


def _installed() -> str:
    try:
        return version("priorauth")
    except PackageNotFoundError:
        return "0+source"


CODE_VERSION: Final = f"priorauth/{_installed()}"
