"""The id of an installation: checkpoints and evidence bundles name the database that they are of."""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

INSTALLATION = """
CREATE TABLE installation (
    only_row  boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    id        uuid NOT NULL DEFAULT gen_random_uuid()
)
"""
GUARD = """
CREATE TRIGGER installation_append_only BEFORE UPDATE OR DELETE ON installation
    FOR EACH ROW EXECUTE FUNCTION journal_refuse_change()
"""


def upgrade() -> None:
    op.execute(INSTALLATION)
    op.execute("INSERT INTO installation DEFAULT VALUES")
    op.execute(GUARD)
    op.execute("GRANT SELECT ON installation TO priorauth_service, priorauth_auditor")


def downgrade() -> None:
    op.execute("DROP TABLE installation")
