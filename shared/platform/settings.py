"""Settings of every process, from the environment (``PRIORAUTH_*``) or a ``.env`` file."""

import base64
import binascii
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretBytes, SecretStr, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict


class Settings(BaseSettings):
    """What a deployment chooses. Every field is ``PRIORAUTH_`` and its name in capitals."""

    model_config = SettingsConfigDict(env_prefix="PRIORAUTH_", env_file=".env", extra="ignore", frozen=True)

    # Where the servers are.
    database_url: SecretStr = SecretStr("postgresql://priorauth@127.0.0.1:5432/priorauth")
    """The migrator's connection: owns the schema. ``postgresql://`` or ``postgresql+asyncpg://``."""
    service_database_url: SecretStr | None = None
    """The services' connection (role ``priorauth_service``). Without it, services set that role after connecting."""
    auditor_database_url: SecretStr | None = None
    """The auditor's connection (role ``priorauth_auditor``). Without it, audit commands set that role."""
    database_pool_size: int = Field(default=5, ge=1, le=100)
    kafka_bootstrap_servers: str = "127.0.0.1:9092"
    kafka_security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    kafka_sasl_username: str | None = None
    kafka_sasl_password: SecretStr | None = None
    kafka_ssl_ca_file: Path | None = None
    kafka_partitions: int = Field(default=4, ge=1, le=1000)
    kafka_replication_factor: int = Field(default=1, ge=1, le=9)
    kafka_topic_retention_hours: int = Field(default=168, ge=1)

    # Encryption.
    master_key: SecretBytes | None = None
    """32 bytes in base64 that wrap each case's own key."""
    master_key_id: str = "1"
    previous_master_keys: Annotated[dict[str, SecretBytes], NoDecode] = Field(default_factory=dict)
    """Older master keys as ``id:base64`` pairs: they open what they wrapped until ``priorauth keys rotate`` is through."""

    # Audit.
    archive_dir: Path | None = None
    """The folder of archived months (``priorauth journal archive``), for audits that read them."""
    checkpoint_dir: Path | None = None
    """Where the keeper writes signed checkpoints: a folder that the database's owner does not rule. Empty: it makes none."""
    checkpoint_key: Path | None = None
    """The private key (Ed25519, PEM) that signs them, of ``priorauth audit keygen``."""
    checkpoint_seconds: float = Field(default=3600.0, ge=1, le=86400)
    """How often the keeper makes a checkpoint, where anything was appended."""

    # Batches and retries.
    batch_size: int = Field(default=250, ge=1, le=5000)
    """Messages that a consumer takes at most at once; one statement and one commit each."""
    fetch_max_wait_ms: int = Field(default=500, ge=1, le=5000)
    """How long Kafka may hold a fetch that finds nothing. It answers as soon as there is something, so a high value
    costs no delay and a low one only idle CPU: at 1 ms an idle platform used more than a core, at 500 a fifth of one."""
    handler_attempts: int = Field(default=4, ge=1, le=20)
    """How often a message is tried before its case is quarantined."""
    handler_backoff_seconds: float = Field(default=0.05, ge=0.001)
    relay_batch_size: int = Field(default=1000, ge=1, le=10000)
    relay_poll_seconds: float = Field(default=1.0, gt=0)
    """The safety net behind NOTIFY."""
    relay_shards: int = Field(default=1, ge=1, le=16)
    relay_shard: int = Field(default=0, ge=0, le=15)

    # HTTP.
    http_host: str = "127.0.0.1"
    http_port: int = Field(default=8080, ge=0, le=65535)
    max_body_bytes: int = Field(default=25 * 1024 * 1024, ge=1024)
    submit_wait_seconds: float = Field(default=10.0, ge=0, le=60)
    public_base_url: str = ""
    """Where callers reach intake; stands in links. Empty: taken from the request."""

    # Clinical.
    criteria_dir: Path | None = None
    """A folder of criteria sets that takes the place of those that ship with the code."""
    evidence_dir: Path | None = None
    """A folder of evidence files that takes the place of those that ship with the code."""
    policy_poll_seconds: float = Field(default=5.0, ge=0.05, le=3600)
    """How often a running process looks for changed files in these folders; SIGHUP has it look at once."""
    literature_index: Path | None = None
    """The folder of a literature index (``priorauth evidence index``). Without it determinations name no related articles."""
    authorization_valid_days: int = Field(default=90, ge=1)
    clock_poll_seconds: float = Field(default=15.0, gt=0)

    # The optional extractor: a model behind the chat completions API that proposes facts with their quotes. The text of
    # the charts goes to it, so it is off unless an address is given, and that has TLS or is this machine's.
    extractor_url: str | None = None
    """The endpoint itself, such as ``https://models.payer.example/v1/chat/completions``."""
    extractor_model: str = ""
    extractor_api_key: SecretStr | None = None
    extractor_timeout_seconds: float = Field(default=20.0, gt=0, le=300)
    """For one document, retries included."""
    extractor_budget_seconds: float = Field(default=60.0, gt=0, le=600)
    """For all documents of a batch: what has not been answered by then is evaluated without proposals."""
    extractor_attempts: int = Field(default=2, ge=1, le=10)
    extractor_concurrency: int = Field(default=8, ge=1, le=64)

    # How a provider or member reaches the payer; printed in letters. An empty one is the number or address on the
    # member's card, in the words of the letter's language.
    contact_questions: str = ""
    contact_information: str = ""
    contact_peer_to_peer: str = ""
    contact_appeal: str = ""
    payer_name: str = ""
    """The payer's name in letters; without it, the insurer's name in the request."""

    # Notices.
    notice_channel: Literal["none", "webhook", "maildir", "smtp"] = "none"
    webhook_url: str | None = None
    webhook_secret: SecretStr | None = None
    """Standard Webhooks secret, ``whsec_`` and base64."""
    maildir: Path | None = None
    smtp_host: str = "127.0.0.1"
    smtp_port: int = 1025
    smtp_tls_required: bool = False
    """Refuses to send where the server offers no STARTTLS. Without it, TLS is used where it is offered."""
    smtp_username: str | None = None
    smtp_password: SecretStr | None = None
    mail_from: str = "priorauth@payer.example"
    mail_to: str = "authorizations@provider.example"
    notice_attempts: int = Field(default=8, ge=1, le=50)
    notice_backoff_seconds: float = Field(default=5.0, gt=0)

    # Telemetry.
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    otlp_endpoint: str | None = None
    """Base address of an OTLP/HTTP collector; without it no span leaves the process."""
    trace_sample_ratio: float = Field(default=0.01, ge=0, le=1)

    # Clinicians who may decide, as ``id:token`` pairs for the commands API; the console lets them in as well.
    clinician_tokens: Annotated[dict[str, SecretStr], NoDecode] = Field(default_factory=dict)

    # The console's pages. They show charts, so without tokens nobody is let in.
    console_tokens: Annotated[dict[str, SecretStr], NoDecode] = Field(default_factory=dict)
    """Who may look and not decide, as ``id:token`` pairs."""
    console_user_header: str = ""
    """Where a gateway that signs people in (OIDC) names them, such as ``X-Forwarded-User``. It is believed only beside a
    bearer token of ``console_tokens``, which is the gateway's own."""
    console_session_hours: float = Field(default=12.0, gt=0, le=24 * 7)
    determination_url: str = ""
    """Where the console sends clinicians' commands. Empty: its pages are read-only."""
    trace_url: str = ""
    """Where the console finds a trace as OTLP JSON, with ``{trace_id}`` in it; Jaeger's is
    ``http://jaeger:16686/api/v3/traces/{trace_id}``. Empty: it shows the journal's own times."""

    @field_validator("master_key", mode="before")
    @classmethod
    def _decode_key(cls, value: object) -> object:
        if value == "":
            return None
        if isinstance(value, str):
            try:
                raw = base64.b64decode(value, validate=True)
            except binascii.Error as error:
                raise ValueError("must be base64") from error
            if len(raw) != 32:
                raise ValueError("must be 32 bytes in base64")
            return raw
        return value

    @field_validator("previous_master_keys", mode="before")
    @classmethod
    def _split_keys(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        keys = {}
        for pair in filter(None, value.split(",")):
            name, _, key = pair.partition(":")
            keys[name] = cls._decode_key(key)
        return keys

    @field_validator("extractor_url")
    @classmethod
    def _private(cls, value: str | None) -> str | None:
        if not value:
            return None
        address = urlsplit(value)
        if address.scheme != "https" and not (
            address.scheme == "http" and address.hostname in ("127.0.0.1", "::1", "localhost")
        ):
            raise ValueError("must be an https address, since the text of charts goes there")
        return value

    @field_validator("clinician_tokens", "console_tokens", mode="before")
    @classmethod
    def _split_tokens(cls, value: object) -> object:
        if isinstance(value, str):
            return dict(pair.split(":", 1) for pair in value.split(",") if ":" in pair)
        return value

    @property
    def sqlalchemy_url(self) -> str:
        """The migrator's URL with the asyncpg driver named."""
        return with_driver(self.database_url.get_secret_value())


def with_driver(url: str) -> str:
    """``postgres://`` and ``postgresql://`` become ``postgresql+asyncpg://``."""
    scheme, _, rest = url.partition("://")
    return f"postgresql+asyncpg://{rest}" if scheme in {"postgres", "postgresql"} else url


@lru_cache(maxsize=1)
def get_settings() -> Settings:
    """The process's settings, read once."""
    return Settings()
