"""The literature that is searched beside the curated evidence library: articles, retractions, import runs, vectors.

Vectors need the extension pgvector. Where the server does not have it, or the migrator may not create it, there is no
table of vectors, and the search by meaning works from the index's files alone.
"""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

ARTICLES = """
CREATE TABLE literature_articles (
    source             text    NOT NULL,
    id                 text    NOT NULL,
    title              text    NOT NULL,
    abstract           text    NOT NULL,
    journal            text    NOT NULL,
    authors            text[]  NOT NULL,
    published          text    NOT NULL,
    publication_types  text[]  NOT NULL,
    mesh               text[]  NOT NULL,
    doi                text,
    retracted          boolean NOT NULL,
    version            integer NOT NULL,
    digest             text    NOT NULL,
    PRIMARY KEY (source, id)
)
"""
# A notice may come before the article it speaks of, so that it is kept by itself.
RETRACTIONS = """
CREATE TABLE literature_retractions (
    source  text NOT NULL,
    id      text NOT NULL,
    PRIMARY KEY (source, id)
)
"""
IMPORTS = """
CREATE TABLE literature_imports (
    file_digest  text        NOT NULL,
    format       text        NOT NULL,
    name         text        NOT NULL,
    records      bigint      NOT NULL,
    articles     bigint      NOT NULL,
    deleted      bigint      NOT NULL,
    retracted    bigint      NOT NULL,
    skipped      bigint      NOT NULL,
    finished     boolean     NOT NULL,
    updated_at   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (file_digest, format)
)
"""
VECTORS = """
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_available_extensions WHERE name = 'vector') THEN
        BEGIN
            CREATE EXTENSION IF NOT EXISTS vector;
        EXCEPTION WHEN insufficient_privilege THEN NULL;
        END;
    END IF;
    IF EXISTS (SELECT FROM pg_extension WHERE extname = 'vector') THEN
        CREATE TABLE literature_vectors (
            source   text        NOT NULL,
            id       text        NOT NULL,
            passage  integer     NOT NULL,
            digest   text        NOT NULL,
            vector   vector(384) NOT NULL,
            PRIMARY KEY (source, id, passage),
            FOREIGN KEY (source, id) REFERENCES literature_articles ON DELETE CASCADE
        );
        CREATE INDEX literature_vectors_nearest ON literature_vectors USING hnsw (vector vector_cosine_ops);
        GRANT INSERT, SELECT, UPDATE, DELETE ON literature_vectors TO priorauth_service;
        GRANT SELECT ON literature_vectors TO priorauth_auditor;
    END IF;
END $$
"""
GRANTS = (
    "GRANT INSERT, SELECT, UPDATE, DELETE ON literature_articles, literature_retractions, literature_imports "
    "TO priorauth_service",
    "GRANT SELECT ON literature_articles, literature_retractions, literature_imports TO priorauth_auditor",
)


def upgrade() -> None:
    for statement in (ARTICLES, RETRACTIONS, IMPORTS, VECTORS, *GRANTS):
        op.execute(statement)


def downgrade() -> None:
    op.execute("DROP TABLE IF EXISTS literature_vectors")
    for table in ("literature_imports", "literature_retractions", "literature_articles"):
        op.execute(f"DROP TABLE {table}")
    # The extension belongs to the database and others may use it, so it stays.
