"""The journal in partitions of a month, by the time in the case's id, and what an archive leaves behind.

Case ids are UUIDv7 (RFC 9562), so a range of ids is a range of time and every event of a case lies in one partition. The
table that was there becomes the first partition as it is: nothing is copied. The last partition is open to the right, so
that no insert can fail for want of one; ``journal_roll`` closes it at the start of a month and opens the next.
"""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

# Which request made which case. It was held unique by the journal's own index, which a partition can hold for itself only.
CAUSES = """
CREATE TABLE journal_causes (
    causation_id  uuid PRIMARY KEY,
    case_id       uuid NOT NULL
)
"""
FILL_CAUSES = "INSERT INTO journal_causes SELECT causation_id, case_id FROM journal WHERE sequence = 1"

BEFORE = (
    "LOCK TABLE journal IN ACCESS EXCLUSIVE MODE",
    CAUSES,
    FILL_CAUSES,
    "DROP TRIGGER journal_append_only ON journal",
    "DROP TRIGGER journal_no_truncate ON journal",
    "ALTER TABLE journal DROP CONSTRAINT journal_once_in_effect",
    "ALTER TABLE journal ALTER COLUMN position DROP IDENTITY",
    "ALTER TABLE journal RENAME TO journal_first",
    "ALTER TABLE journal_first RENAME CONSTRAINT journal_pkey TO journal_first_pkey",
    "ALTER INDEX journal_relay_order RENAME TO journal_first_relay_order",
    "ALTER INDEX journal_submissions RENAME TO journal_first_submissions",
)
JOURNAL = (
    """
    CREATE TABLE journal (LIKE journal_first INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING STORAGE)
        PARTITION BY RANGE (case_id)
    """,
    "ALTER TABLE journal ALTER COLUMN position ADD GENERATED ALWAYS AS IDENTITY",
    """
    SELECT setval(pg_get_serial_sequence('journal', 'position'), coalesce(max(position), 0) + 1, false)
    FROM journal_first
    """,
    "ALTER TABLE journal ADD PRIMARY KEY (case_id, sequence)",
    "ALTER TABLE journal ADD CONSTRAINT journal_once_in_effect UNIQUE (case_id, consumer, causation_id)",
    "CREATE INDEX journal_relay_order ON journal (transaction_id, position)",
    "CREATE INDEX journal_submissions ON journal (case_id) WHERE sequence = 1",
    """
    CREATE TRIGGER journal_append_only BEFORE UPDATE OR DELETE ON journal
        FOR EACH ROW EXECUTE FUNCTION journal_refuse_change()
    """,
    """
    CREATE TRIGGER journal_no_truncate BEFORE TRUNCATE ON journal
        FOR EACH STATEMENT EXECUTE FUNCTION journal_refuse_change()
    """,
)
PARTITIONS = """
CREATE TABLE journal_partitions (
    name         text PRIMARY KEY,
    first_case   uuid NOT NULL,
    before_case  uuid
)
"""
ARCHIVES = """
CREATE TABLE journal_archives (
    name         text PRIMARY KEY,
    partition    text        NOT NULL,
    first_case   uuid        NOT NULL,
    last_case    uuid        NOT NULL,
    cases        bigint      NOT NULL,
    events       bigint      NOT NULL,
    digest       text        NOT NULL,
    archived_at  timestamptz NOT NULL
)
"""
GUARD_ARCHIVES = """
CREATE TRIGGER journal_archives_append_only BEFORE UPDATE OR DELETE ON journal_archives
    FOR EACH ROW EXECUTE FUNCTION journal_refuse_change()
"""

# The first case id that a UUIDv7 of an instant's month can be, and the instant that an id or a bound begins with.
MONTH = """
CREATE FUNCTION journal_month(at timestamptz) RETURNS uuid LANGUAGE sql STABLE AS $$
    SELECT CAST(lpad(to_hex(CAST(extract(epoch FROM date_trunc('month', at, 'UTC')) * 1000 AS bigint)), 12, '0')
        || repeat('0', 20) AS uuid)
$$
"""
TIME = """
CREATE FUNCTION journal_time(id uuid) RETURNS timestamptz LANGUAGE sql STABLE AS $$
    SELECT to_timestamp(CAST(CAST('x' || left(replace(CAST(id AS text), '-', ''), 12) AS bit(48)) AS bigint) / 1000.0)
$$
"""
ADD_PARTITION = """
CREATE FUNCTION journal_add_partition(partition text, first_case uuid, before_case uuid) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('CREATE TABLE %I PARTITION OF journal FOR VALUES FROM (%s) TO (%s)', partition,
        CASE WHEN first_case = CAST(repeat('0', 32) AS uuid) THEN 'MINVALUE' ELSE quote_literal(first_case) END,
        coalesce(quote_literal(before_case), 'MAXVALUE'));
    EXECUTE format('CREATE TRIGGER journal_no_truncate BEFORE TRUNCATE ON %I
        FOR EACH STATEMENT EXECUTE FUNCTION journal_refuse_change()', partition);
END $$
"""
# A partition is made two months ahead, when the open one is empty and giving it its bound takes no time. Where nobody
# rolled for long, the open one has rows; it is then closed behind the newest of them and is longer than a month. An id
# from a far future, of a clock that was wrong, keeps it open.
ROLL = """
CREATE FUNCTION journal_roll() RETURNS integer LANGUAGE plpgsql SECURITY DEFINER SET lock_timeout = '1s' AS $$
DECLARE
    lower uuid;
    upper uuid;
    newest uuid;
    closed text;
    made integer := 0;
BEGIN
    PERFORM pg_advisory_xact_lock(7021341);
    LOOP
        SELECT p.first_case INTO lower FROM journal_partitions p WHERE p.before_case IS NULL;
        EXIT WHEN lower >= journal_month(now() + interval '2 months');
        SELECT case_id INTO newest FROM journal_open ORDER BY case_id DESC LIMIT 1;
        upper := journal_month(greatest(journal_time(lower), journal_time(newest)) + interval '1 month');
        EXIT WHEN upper > journal_month(now() + interval '13 months');
        closed := 'journal_' || to_char(journal_time(lower) AT TIME ZONE 'UTC', 'YYYY_MM');
        ALTER TABLE journal DETACH PARTITION journal_open;
        EXECUTE format('ALTER TABLE journal_open RENAME TO %I', closed);
        EXECUTE format('ALTER TABLE journal ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', closed, lower, upper);
        PERFORM journal_add_partition('journal_open', upper, NULL);
        UPDATE journal_partitions SET name = closed, before_case = upper WHERE before_case IS NULL;
        INSERT INTO journal_partitions VALUES ('journal_open', upper, NULL);
        made := made + 1;
    END LOOP;
    RETURN made;
END $$
"""
# What runs with the owner's rights must find the owner's tables and nobody else's.
ROLL_SAFELY = """
DO $$
BEGIN
    EXECUTE format('ALTER FUNCTION journal_roll() SET search_path = %I, pg_temp', current_schema());
END $$
"""
FIRST = """
DO $$
DECLARE
    zero uuid := CAST(repeat('0', 32) AS uuid);
    newest uuid;
    upper uuid;
BEGIN
    -- An id of a far future would take every month to come into the first partition, so the months end with it.
    SELECT case_id INTO newest FROM journal_first ORDER BY case_id DESC LIMIT 1;
    upper := greatest(journal_month(now() + interval '1 month'), journal_month(journal_time(newest) + interval '1 month'));
    EXECUTE format('ALTER TABLE journal ATTACH PARTITION journal_first FOR VALUES FROM (MINVALUE) TO (%L)', upper);
    EXECUTE 'CREATE TRIGGER journal_no_truncate BEFORE TRUNCATE ON journal_first
        FOR EACH STATEMENT EXECUTE FUNCTION journal_refuse_change()';
    PERFORM journal_add_partition('journal_open', upper, NULL);
    INSERT INTO journal_partitions VALUES ('journal_first', zero, upper), ('journal_open', upper, NULL);
END $$
"""
GRANTS = (
    "GRANT INSERT, SELECT ON journal, journal_causes TO priorauth_service",
    "GRANT SELECT ON journal, journal_causes TO priorauth_auditor",
    "GRANT SELECT ON journal_partitions, journal_archives TO priorauth_service, priorauth_auditor",
    "REVOKE EXECUTE ON FUNCTION journal_roll() FROM PUBLIC",
    "GRANT EXECUTE ON FUNCTION journal_roll() TO priorauth_auditor",
)


def upgrade() -> None:
    for statement in (
        *BEFORE,
        *JOURNAL,
        PARTITIONS,
        ARCHIVES,
        GUARD_ARCHIVES,
        MONTH,
        TIME,
        ADD_PARTITION,
        ROLL,
        ROLL_SAFELY,
        FIRST,
        *GRANTS,
        "SELECT journal_roll()",
    ):
        op.execute(statement)


REFUSE_IF_ARCHIVED = """
DO $$
BEGIN
    IF EXISTS (SELECT FROM journal_archives) THEN
        RAISE EXCEPTION 'Months of the journal were archived: without their partitions they could not be read.';
    END IF;
END $$
"""
BACK = (
    REFUSE_IF_ARCHIVED,
    "ALTER TABLE journal RENAME TO journal_partitioned",
    """
    CREATE TABLE journal (LIKE journal_partitioned INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING STORAGE)
    """,
    "INSERT INTO journal SELECT * FROM journal_partitioned",
    "DROP TABLE journal_partitioned",
    "ALTER TABLE journal ALTER COLUMN position ADD GENERATED ALWAYS AS IDENTITY",
    "SELECT setval(pg_get_serial_sequence('journal', 'position'), coalesce(max(position), 0) + 1, false) FROM journal",
    "ALTER TABLE journal ADD PRIMARY KEY (case_id, sequence)",
    "ALTER TABLE journal ADD CONSTRAINT journal_once_in_effect UNIQUE (consumer, causation_id)",
    "CREATE INDEX journal_relay_order ON journal (transaction_id, position)",
    "CREATE INDEX journal_submissions ON journal (case_id) WHERE sequence = 1",
    """
    CREATE TRIGGER journal_append_only BEFORE UPDATE OR DELETE ON journal
        FOR EACH ROW EXECUTE FUNCTION journal_refuse_change()
    """,
    """
    CREATE TRIGGER journal_no_truncate BEFORE TRUNCATE ON journal
        FOR EACH STATEMENT EXECUTE FUNCTION journal_refuse_change()
    """,
    "GRANT INSERT, SELECT ON journal TO priorauth_service",
    "GRANT SELECT ON journal TO priorauth_auditor",
    "DROP FUNCTION journal_roll()",
    "DROP FUNCTION journal_add_partition(text, uuid, uuid)",
    "DROP FUNCTION journal_month(timestamptz)",
    "DROP FUNCTION journal_time(uuid)",
    "DROP TABLE journal_archives",
    "DROP TABLE journal_partitions",
    "DROP TABLE journal_causes",
)


def downgrade() -> None:
    for statement in BACK:
        op.execute(statement)
