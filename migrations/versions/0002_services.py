"""The services' own tables: claims (intake), clocks (determination), deliveries (notification), the console's projection."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

CLAIMS = """
CREATE TABLE intake_claims (
    claim_key  text NOT NULL,
    case_id    uuid NOT NULL,
    PRIMARY KEY (claim_key, case_id)
)
"""
CLOCKS = """
CREATE TABLE determination_clocks (
    case_id   uuid        NOT NULL,
    sequence  integer     NOT NULL,
    due_at    timestamptz NOT NULL,
    PRIMARY KEY (case_id, sequence)
)
"""
CLOCKS_DUE = "CREATE INDEX determination_clocks_due ON determination_clocks (due_at)"
DELIVERIES = """
CREATE TABLE notification_deliveries (
    notice_id  uuid        PRIMARY KEY,
    case_id    uuid        NOT NULL,
    sequence   integer     NOT NULL,
    attempts   integer     NOT NULL DEFAULT 0,
    due_at     timestamptz NOT NULL
)
"""
DELIVERIES_DUE = "CREATE INDEX notification_deliveries_due ON notification_deliveries (due_at)"
CONSOLE_CASES = """
CREATE TABLE console_cases (
    case_id       uuid PRIMARY KEY,
    sequence      integer     NOT NULL,
    state         text        NOT NULL,
    priority      text        NOT NULL,
    payer         text        NOT NULL,
    codes         text[]      NOT NULL,
    submitted_at  timestamptz NOT NULL,
    requested_at  timestamptz NOT NULL,
    due_at        timestamptz NOT NULL,
    decided_at    timestamptz,
    updated_at    timestamptz NOT NULL,
    quarantined   boolean     NOT NULL
)
"""
# Case ids are ordered by time (UUIDv7), so they serve as the keyset of every list.
CONSOLE_BY_STATE = "CREATE INDEX console_cases_by_state ON console_cases (state, case_id)"
CONSOLE_BY_PAYER = "CREATE INDEX console_cases_by_payer ON console_cases (payer, case_id)"
CONSOLE_OPEN = """
CREATE INDEX console_cases_open ON console_cases (due_at, priority)
    WHERE decided_at IS NULL AND state <> 'cancelled'
"""
CONSOLE_QUARANTINED = "CREATE INDEX console_cases_quarantined ON console_cases (case_id) WHERE quarantined"
GRANTS = (
    "GRANT INSERT, SELECT ON intake_claims TO priorauth_service",
    "GRANT INSERT, SELECT, UPDATE, DELETE ON determination_clocks, notification_deliveries TO priorauth_service",
    "GRANT INSERT, SELECT, UPDATE, DELETE, TRUNCATE ON console_cases TO priorauth_service",
    "GRANT SELECT ON intake_claims, determination_clocks, notification_deliveries, console_cases TO priorauth_auditor",
)


def upgrade() -> None:
    for statement in (
        CLAIMS,
        CLOCKS,
        CLOCKS_DUE,
        DELIVERIES,
        DELIVERIES_DUE,
        CONSOLE_CASES,
        CONSOLE_BY_STATE,
        CONSOLE_BY_PAYER,
        CONSOLE_OPEN,
        CONSOLE_QUARANTINED,
        *GRANTS,
    ):
        op.execute(statement)


def downgrade() -> None:
    for table in ("console_cases", "notification_deliveries", "determination_clocks", "intake_claims"):
        op.execute(f"DROP TABLE {table}")
