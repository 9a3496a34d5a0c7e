"""The access log: appended by whoever shows clinical content, changed by nobody."""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

ACCESS_LOG = """
CREATE TABLE access_log (
    number         bigint PRIMARY KEY CHECK (number > 0),
    at             timestamptz NOT NULL,
    who            text  NOT NULL,
    action         text  NOT NULL,
    case_id        uuid,
    why            text  NOT NULL,
    previous_hash  bytea NOT NULL CHECK (octet_length(previous_hash) = 32),
    hash           bytea NOT NULL CHECK (octet_length(hash) = 32)
)
"""
BY_CASE = "CREATE INDEX access_log_by_case ON access_log (case_id, number)"
GUARDS = (
    """
    CREATE TRIGGER access_log_append_only BEFORE UPDATE OR DELETE ON access_log
        FOR EACH ROW EXECUTE FUNCTION journal_refuse_change()
    """,
    """
    CREATE TRIGGER access_log_no_truncate BEFORE TRUNCATE ON access_log
        FOR EACH STATEMENT EXECUTE FUNCTION journal_refuse_change()
    """,
)


def upgrade() -> None:
    op.execute(ACCESS_LOG)
    op.execute(BY_CASE)
    for guard in GUARDS:
        op.execute(guard)
    op.execute("GRANT INSERT, SELECT ON access_log TO priorauth_service, priorauth_auditor")


def downgrade() -> None:
    op.execute("DROP TABLE access_log")
