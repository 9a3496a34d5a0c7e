"""Names of FHIR, Da Vinci PAS 2.2.1, and X12 005010 that intake reads and writes. X12 codes only; the words are ours."""

from typing import Final

PAS: Final = "http://hl7.org/fhir/us/davinci-pas/StructureDefinition/"
PAS_TEMP_CODES: Final = "http://hl7.org/fhir/us/davinci-pas/CodeSystem/PASTempCodes"
LOINC: Final = "http://loinc.org"
ICD_10: Final = frozenset({"http://hl7.org/fhir/sid/icd-10-cm", "http://hl7.org/fhir/sid/icd-10"})
SERVICE_SYSTEMS: Final = (
    "http://www.ama-assn.org/go/cpt",
    "http://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets",
    "https://bluebutton.cms.gov/resources/codesystem/hcpcs",
)
"""Systems whose codes are preferred where an item is coded more than once."""

CERTIFICATION_TYPE: Final = PAS + "extension-certificationType"
INFO_CANCELLED: Final = PAS + "modifierextension-infoCancelled"
ITEM_TRACE_NUMBER: Final = PAS + "extension-itemTraceNumber"
LEVEL_OF_SERVICE: Final = PAS + "extension-levelOfServiceCode"
REQUESTED_SERVICE: Final = PAS + "extension-requestedService"
UPDATE_PROFILE: Final = PAS + "profile-claim-update"
SUBSETTED: Final = "SUBSETTED"
INQUIRY_PROFILE: Final = PAS + "profile-claim-inquiry"

CANCEL: Final = "3"
"""X12 1322, certification type: the request is taken back."""
EXPEDITED_LEVELS: Final = frozenset({"U", "03"})
"""X12 1338, level of service: urgent, emergency."""
EXPEDITED_PRIORITIES: Final = frozenset({"stat", "urgent", "asap"})

REVIEW_ACTIONS: Final = "https://codesystem.x12.org/005010/306"
CERTIFIED: Final = "A1"
NOT_CERTIFIED: Final = "A3"
PENDED: Final = "A4"
MODIFIED: Final = "A6"
CANCELLED: Final = "C"
REVIEW_ACTION_TEXT: Final = {
    CERTIFIED: "Approved as requested",
    NOT_CERTIFIED: "Not approved",
    PENDED: "Pended for a decision",
    MODIFIED: "Approved with changes",
    CANCELLED: "Request cancelled",
}
"""X12 306 as loop 2000F of the 278 response allows it; a part approval exists for a whole event only, not for an item."""

REJECT_REASONS: Final = "https://codesystem.x12.org/005010/901"
DATA_MISSING: Final = "15"
INPUT_ERROR: Final = "33"
FOLLOW_UP_ACTIONS: Final = "https://codesystem.x12.org/005010/889"
CORRECT_AND_RESUBMIT: Final = "C"
