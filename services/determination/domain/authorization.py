"""Authorization numbers (X12 278 REF*BB; FHIR ClaimResponse.preAuthRef)."""

import base64
import hashlib
from uuid import UUID


def authorization_number(case_id: UUID) -> str:
    """``PA`` and ten letters and digits that follow from the case, so a replay gives the same number.

    Base32 without 0, 1, 8 and 9, since people read these numbers out over the phone.
    """
    digest = hashlib.sha256(b"authorization" + case_id.bytes).digest()
    return "PA" + base64.b32encode(digest[:10]).decode()[:10]
