"""Pages that commands write: each is one file, and asks for nothing from elsewhere."""

from importlib import resources
from typing import Any

import jinja2


def page(template: str, **values: Any) -> str:
    """A page of a template of this folder; what the values say stands in it as text and is never read as markup."""
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True)
    source = resources.files(__package__).joinpath(template).read_text(encoding="utf-8")
    return environment.from_string(source).render(**values)
