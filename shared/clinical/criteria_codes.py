"""Service codes as criteria sets list them: one by one, or as a range."""

import re
from typing import Final

from shared.clinical.policy_yaml import Fields
from shared.policy import PolicyError

_CODE_RANGE: Final = re.compile(r"([A-Z]?)(\d{4,5})-([A-Z]?)(\d{4,5})")
"""CPT (``63300-63308``) and HCPCS level II (``A7027-A7039``)."""


def codes_of(fields: Fields, key: str) -> frozenset[str]:
    """The codes of a list, ranges written out.

    Raises:
        PolicyError: a range that runs backwards or over two kinds of code.
    """
    codes: set[str] = set()
    for text in fields.texts(key):
        match = _CODE_RANGE.fullmatch(text)
        if match is None:
            codes.add(text)
        elif match[1] == match[3] and len(match[2]) == len(match[4]) and match[2] <= match[4]:
            digits = len(match[2])
            codes.update(f"{match[1]}{code:0{digits}d}" for code in range(int(match[2]), int(match[4]) + 1))
        else:
            raise PolicyError(f"{fields.where}.{key}: {text} runs backwards.")
    return frozenset(codes)
