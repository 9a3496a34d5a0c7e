"""The journal: append-only, chained, guarded; case keys, documents, the relay's cursors, and the three roles."""

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

ROLES = """
DO $$
DECLARE r text;
BEGIN
    FOREACH r IN ARRAY ARRAY['priorauth_service', 'priorauth_auditor'] LOOP
        -- Looked for first, since an owner who may not create roles is refused even where the role is there.
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = r) THEN
            BEGIN
                EXECUTE format('CREATE ROLE %I NOLOGIN', r);
            EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
            END;
        END IF;
        -- The migrator may act as either, so that one login serves small installations through SET ROLE.
        IF NOT pg_has_role(current_user, r, 'MEMBER') THEN
            EXECUTE format('GRANT %I TO CURRENT_USER', r);
        END IF;
    END LOOP;
END $$
"""

JOURNAL = """
CREATE TABLE journal (
    position        bigint GENERATED ALWAYS AS IDENTITY,
    transaction_id  xid8        NOT NULL DEFAULT pg_current_xact_id(),
    case_id         uuid        NOT NULL,
    sequence        integer     NOT NULL CHECK (sequence > 0),
    event_id        uuid        NOT NULL,
    type            text        NOT NULL,
    state_before    text        NOT NULL,
    state_after     text        NOT NULL,
    actor           text        NOT NULL,
    payer           text        NOT NULL,
    consumer        text        NOT NULL,
    causation_id    uuid        NOT NULL,
    occurred_at     timestamptz NOT NULL,
    recorded_at     timestamptz NOT NULL,
    traceparent     text,
    code_version    text        NOT NULL,
    public          text        NOT NULL,
    data            bytea       NOT NULL,
    previous_hash   bytea       NOT NULL CHECK (octet_length(previous_hash) = 32),
    hash            bytea       NOT NULL CHECK (octet_length(hash) = 32),
    PRIMARY KEY (case_id, sequence),
    CONSTRAINT journal_once_in_effect UNIQUE (consumer, causation_id),
    CONSTRAINT journal_no_machine_denial CHECK (
        actor LIKE 'clinician:%'
        OR (type NOT LIKE 'case.denied.%' AND type NOT LIKE 'case.partly\\_approved.%'
            AND (state_after NOT IN ('denied', 'partly_approved') OR state_before = state_after))
    )
)
"""

# Ciphertext does not compress; trying to would cost time on every insert.
STORAGE = "ALTER TABLE journal ALTER COLUMN data SET STORAGE EXTERNAL"
RELAY_ORDER = "CREATE INDEX journal_relay_order ON journal (transaction_id, position)"
SUBMISSIONS = "CREATE INDEX journal_submissions ON journal (case_id) WHERE sequence = 1"

GUARD = """
CREATE FUNCTION journal_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'The journal is append-only: % is refused.', TG_OP USING ERRCODE = 'restrict_violation';
END $$
"""
GUARD_ROWS = """
CREATE TRIGGER journal_append_only BEFORE UPDATE OR DELETE ON journal
    FOR EACH ROW EXECUTE FUNCTION journal_refuse_change()
"""
GUARD_TRUNCATE = """
CREATE TRIGGER journal_no_truncate BEFORE TRUNCATE ON journal
    FOR EACH STATEMENT EXECUTE FUNCTION journal_refuse_change()
"""

CASE_KEYS = """
CREATE TABLE case_keys (
    case_id        uuid PRIMARY KEY,
    wrapped_key    bytea NOT NULL,
    master_key_id  text  NOT NULL
)
"""
DOCUMENTS = """
CREATE TABLE documents (
    id            text PRIMARY KEY,
    content_type  text   NOT NULL,
    size_bytes    bigint NOT NULL,
    data          bytea  NOT NULL
)
"""
DOCUMENT_STORAGE = "ALTER TABLE documents ALTER COLUMN data SET STORAGE EXTERNAL"
DOCUMENT_KEYS = """
CREATE TABLE document_keys (
    case_id      uuid NOT NULL,
    document_id  text NOT NULL REFERENCES documents (id),
    wrapped_key  bytea NOT NULL,
    PRIMARY KEY (document_id, case_id)
)
"""
CURSORS = """
CREATE TABLE relay_cursors (
    shards          smallint NOT NULL,
    shard           smallint NOT NULL,
    transaction_id  xid8     NOT NULL,
    position        bigint   NOT NULL,
    PRIMARY KEY (shards, shard)
)
"""

GRANTS = (
    "GRANT INSERT, SELECT ON journal, case_keys, documents, document_keys TO priorauth_service",
    "GRANT INSERT, SELECT, UPDATE ON relay_cursors TO priorauth_service",
    "GRANT SELECT ON journal, case_keys, documents, document_keys, relay_cursors TO priorauth_auditor",
)


def upgrade() -> None:
    for statement in (
        ROLES,
        JOURNAL,
        STORAGE,
        RELAY_ORDER,
        SUBMISSIONS,
        GUARD,
        GUARD_ROWS,
        GUARD_TRUNCATE,
        CASE_KEYS,
        DOCUMENTS,
        DOCUMENT_STORAGE,
        DOCUMENT_KEYS,
        CURSORS,
        *GRANTS,
    ):
        op.execute(statement)


def downgrade() -> None:
    for table in ("relay_cursors", "document_keys", "documents", "case_keys", "journal"):
        op.execute(f"DROP TABLE {table}")
    op.execute("DROP FUNCTION journal_refuse_change()")
    # Roles belong to the whole server and other databases may use them, so they stay.
