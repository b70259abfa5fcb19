"""The settings, one class a server, and where their values come from.

Precedence: process environment, `.env` in the working folder, the embedded stack's own file, default.
The embedded stack counts only when no server is configured at all: half a cloud and half a laptop is a mistake.

The sections are pydantic-settings' BaseSettings, and `settings_customise_sources` names their sources. The origin of a
value is the first source that has it. Each file is read once for all sections, so that they agree.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, EnvSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

from clickstream.config import addresses, identifiers
from clickstream.config.paths import Home
from clickstream.config.problems import SettingsError, describe, described_characters, file_values

PREFIXES = tuple(
    f"{name}_"
    for name in ("KAFKA", "PG", "POSTGRESQL", "VALKEY", "OPENSEARCH", "AIVEN", "PRODUCER", "CONSUMER", "CLICKSTREAM")
)

OTHER_VARIABLES = ("CLICKSTREAM_HOME", "CLICKSTREAM_DEBUG", "CLICKSTREAM_IMAGE")
"""Names with these prefixes that are read elsewhere, by docker-compose.yml, too."""

_pointed_out: set[str] = set()
_logger = logging.getLogger("clickstream.settings")

SERVER_ADDRESSES = ("KAFKA_BOOTSTRAP_SERVERS", "PG_HOST", "VALKEY_HOST")


def _pem_file(value: Path) -> Path:
    if not value.is_file():
        raise ValueError("is not a file that can be read; give the path of an existing file")
    try:
        content = value.read_bytes()
    except OSError as error:
        raise ValueError(f"cannot be read: {error.strerror}; give the path of a file that can") from error
    if b"-----BEGIN " not in content:
        raise ValueError("holds no certificate or key in PEM format (-----BEGIN ...); give the path of one that does")
    return value.absolute()


def _no_file(value: object) -> object:
    if isinstance(value, str) and ("/" in value or value.lower().endswith((".pem", ".crt", ".cer"))):
        raise ValueError("is true or false; a CA certificate's file goes into OPENSEARCH_CA_FILE")
    return value


Brokers = Annotated[str, Field(min_length=1), AfterValidator(addresses.brokers)]
Host = Annotated[str, Field(min_length=1), AfterValidator(addresses.host)]
HostOrSocket = Annotated[str, Field(min_length=1), AfterValidator(addresses.host_or_socket)]
Name = Annotated[str, AfterValidator(addresses.name)]
Schema = Annotated[str, AfterValidator(identifiers.schema)]
Topic = Annotated[str, AfterValidator(identifiers.topic)]
Group = Annotated[str, AfterValidator(identifiers.topic)]
Index = Annotated[str, AfterValidator(identifiers.index)]
PemFile = Annotated[Path, AfterValidator(_pem_file)]
Port = Annotated[int, Field(ge=1, le=65535)]
Positive = Annotated[int, Field(ge=1)]


@dataclass(frozen=True, slots=True)
class _Reading:
    """One reading of the settings: what the sources hold, and what was taken from which."""

    layers: Mapping[str, Mapping[str, str]]
    """Origin to its variables that have a value, in the order of precedence."""
    values: dict[str, str] = field(default_factory=dict)
    """Of our variables, as text, before it is checked."""
    origins: dict[str, str] = field(default_factory=dict)


_reading: ContextVar[_Reading] = ContextVar("reading")
"""What `_Section.settings_customise_sources` offers; the library hands it nothing but the class."""


class _Layer(EnvSettingsSource):
    """A source: reads its variables as the library reads the process environment, and notes what none before it has."""

    def __init__(self, section: type[BaseSettings], origin: str, reading: _Reading) -> None:
        self._origin, self._reading = origin, reading
        super().__init__(section)

    def _load_env_vars(self) -> Mapping[str, str | None]:
        return self._reading.layers[self._origin]

    def prepare_field_value(self, field_name: str, field: FieldInfo, value: Any, value_is_complex: bool) -> Any:
        """Every value is text, also one that looks like JSON."""
        return value

    def __call__(self) -> dict[str, Any]:
        found = super().__call__()
        first = {name: value for name, value in found.items() if name not in self.current_state}
        self._reading.values.update(first)
        self._reading.origins.update(dict.fromkeys(first, self._origin))
        return found


class _Section(BaseSettings):
    """Settings that share a prefix; a field's variable is its alias.

    Only `load_settings` reads the environment and files. A section that is made directly holds what it is given.
    """

    model_config = SettingsConfigDict(frozen=True, extra="ignore", case_sensitive=True)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The layers of this reading in their order, then what is given: a default that depends on the home.

        The library's own source of `.env` is left out, for it replaces $NAME in values.
        """
        reading = _reading.get(None)
        layers = [_Layer(settings_cls, origin, reading) for origin in reading.layers] if reading else []
        return (*layers, init_settings)


class KafkaSettings(_Section):
    """How to reach Kafka, and the topic of events."""

    bootstrap_servers: Brokers = Field(alias="KAFKA_BOOTSTRAP_SERVERS")
    """Comma-separated host:port."""
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_SSL", "SASL_PLAINTEXT"] = Field(
        "PLAINTEXT", alias="KAFKA_SECURITY_PROTOCOL"
    )
    """SASL_PLAINTEXT is for brokers on loopback only: what is said there does not leave this machine."""
    ssl_ca_file: PemFile | None = Field(None, alias="KAFKA_SSL_CA_FILE")
    ssl_cert_file: PemFile | None = Field(None, alias="KAFKA_SSL_CERT_FILE")
    ssl_key_file: PemFile | None = Field(None, alias="KAFKA_SSL_KEY_FILE")
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = Field(
        "SCRAM-SHA-256", alias="KAFKA_SASL_MECHANISM"
    )
    sasl_username: Name | None = Field(None, alias="KAFKA_SASL_USERNAME")
    sasl_password: SecretStr | None = Field(None, alias="KAFKA_SASL_PASSWORD")
    events_topic: Topic = Field("clickstream-events", alias="KAFKA_EVENTS_TOPIC")
    partitions: Annotated[int, Field(ge=1, le=1000)] = Field(3, alias="KAFKA_EVENTS_TOPIC_PARTITIONS")
    """Partitions the topic is made with; each is one consumer process."""
    replication: Annotated[int, Field(ge=1, le=32)] = Field(1, alias="KAFKA_EVENTS_TOPIC_REPLICATION")


class PostgresSettings(_Section):
    """How to reach PostgreSQL, and the schema that holds everything."""

    host: HostOrSocket = Field(alias="PG_HOST")
    port: Port = Field(5432, alias="PG_PORT")
    user: Name = Field("postgres", alias="PG_USER")
    password: SecretStr | None = Field(None, alias="PG_PASSWORD")
    database: Name = Field("clickstream", alias="PG_DATABASE")
    schema_name: Schema = Field("clickstream", alias="PG_SCHEMA_NAME")
    sslmode: Literal["disable", "allow", "prefer", "require", "verify-ca", "verify-full"] = Field(
        "prefer", alias="PG_SSLMODE"
    )
    sslrootcert: PemFile | None = Field(None, alias="PG_SSLROOTCERT")


class ValkeySettings(_Section):
    """How to reach Valkey, and how long what lies there may live."""

    host: Host = Field(alias="VALKEY_HOST")
    port: Port = Field(6379, alias="VALKEY_PORT")
    user: Name | None = Field(None, alias="VALKEY_USER")
    password: SecretStr | None = Field(None, alias="VALKEY_PASSWORD")
    db: Annotated[int, Field(ge=0)] = Field(0, alias="VALKEY_DB")
    ssl: bool = Field(False, alias="VALKEY_SSL")
    ssl_ca_file: PemFile | None = Field(None, alias="VALKEY_SSL_CA_FILE")
    session_ttl_hours: Positive = Field(24, alias="VALKEY_SESSION_TTL_HOURS")


class OpenSearchSettings(_Section):
    """The optional search side."""

    enabled: bool = Field(False, alias="OPENSEARCH_ENABLED")
    host: Host = Field("127.0.0.1", alias="OPENSEARCH_HOST")
    port: Port = Field(9200, alias="OPENSEARCH_PORT")
    user: Name | None = Field(None, alias="OPENSEARCH_USER")
    password: SecretStr | None = Field(None, alias="OPENSEARCH_PASSWORD")
    use_ssl: bool = Field(False, alias="OPENSEARCH_USE_SSL")
    verify_certs: Annotated[bool, BeforeValidator(_no_file)] = Field(True, alias="OPENSEARCH_VERIFY_CERTS")
    ca_file: PemFile | None = Field(None, alias="OPENSEARCH_CA_FILE")
    """The authorities to trust, Dashboards' too; None: those of this machine."""
    events_index: Index = Field("clickstream-events", alias="OPENSEARCH_EVENTS_INDEX")
    consumer_group_id: Group = Field("clickstream-opensearch", alias="OPENSEARCH_CONSUMER_GROUP_ID")
    dashboards_url: str | None = Field(None, alias="OPENSEARCH_DASHBOARDS_URL")


class PipelineSettings(_Section):
    """What the producer reads and how consumers work."""

    data_file: Path = Field(Path("data/events.csv"), alias="PRODUCER_DATA_FILE")
    """CSV, CSV.gz or CSV.zst; a relative path counts from the working folder. Without a value, and where there is no
    folder `data`, it is events.csv in CLICKSTREAM_HOME."""
    consumer_group_id: Group = Field("clickstream-postgresql", alias="POSTGRESQL_CONSUMER_GROUP_ID")
    session_timeout_minutes: Annotated[int, Field(ge=1, le=1440)] = Field(30, alias="CONSUMER_SESSION_TIMEOUT_MINUTES")
    """Neighbours in time further apart than this belong to different sessions. Keep it for a schema's whole life."""
    batch_size: Annotated[int, Field(ge=1, le=200_000)] = Field(20_000, alias="CONSUMER_BATCH_SIZE")
    """The most messages in one transaction."""
    auto_offset_reset: Literal["earliest", "latest"] = Field("earliest", alias="CONSUMER_AUTO_OFFSET_RESET")
    """Where a partition starts that PostgreSQL has never seen."""

    @property
    def session_timeout_ms(self) -> int:
        return self.session_timeout_minutes * 60_000


class AivenSettings(_Section):
    """Aiven's own API, which tells how the services stand; asked where both are set."""

    api_token: SecretStr | None = Field(None, alias="AIVEN_API_TOKEN")
    project_name: Name | None = Field(None, alias="AIVEN_PROJECT_NAME")
    """The project that the services belong to."""


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings. Servers are None where nothing is configured and the embedded stack was never started."""

    home: Home
    embedded: bool
    """True: the servers are, or will be, this home's embedded ones."""
    kafka: KafkaSettings | None
    postgres: PostgresSettings | None
    valkey: ValkeySettings | None
    opensearch: OpenSearchSettings
    pipeline: PipelineSettings
    sources: Mapping[str, str]
    """Variable to where its value came from: `environment`, `.env`, `embedded`; absent: default."""
    aiven: AivenSettings = field(default_factory=lambda: AivenSettings.model_validate({}))


SECTIONS: dict[str, type[_Section]] = {
    "kafka": KafkaSettings,
    "postgres": PostgresSettings,
    "valkey": ValkeySettings,
    "opensearch": OpenSearchSettings,
    "pipeline": PipelineSettings,
    "aiven": AivenSettings,
}


def variables() -> dict[str, FieldInfo]:
    """Every variable that the settings know, with its field."""
    return {str(field.alias): field for section in SECTIONS.values() for field in section.model_fields.values()}


def load_settings(environ: Mapping[str, str] | None = None, *, folder: Path | None = None) -> Settings:
    """Read the settings.

    Args:
        environ: the process environment; os.environ when None.
        folder: where `.env` lies; the working folder when None.

    Raises:
        SettingsError: naming each wrong variable, its fault and what would be right.
    """
    environ = os.environ if environ is None else environ
    home = Home.from_environment()
    configured = {"environment": environ, ".env": file_values((folder or Path.cwd()) / ".env")}
    layers = {origin: _with_value(variables) for origin, variables in configured.items()}
    stack = _with_value(file_values(home.stack_env))
    named = {name for layer in layers.values() for name in SERVER_ADDRESSES if name in layer}
    if named and (missing := [name for name in SERVER_ADDRESSES if name not in named]):
        raise SettingsError(
            f"{', '.join(missing)}: not set, although {', '.join(sorted(named))} is; set all three servers, "
            "or none of them to use the embedded stack"
        )
    _point_out_unknown(configured)
    reading = _Reading(layers if named else layers | {"embedded": stack})
    token = _reading.set(reading)
    try:
        sections = _build(home, reading)
    finally:
        _reading.reset(token)
    embedded = not named or all(reading.values.get(name) == stack.get(name) for name in SERVER_ADDRESSES)
    return Settings(home=home, embedded=embedded, sources=reading.origins, **sections)


def _with_value(variables: Mapping[str, str | None]) -> dict[str, str]:
    """An empty value is as good as none."""
    return {name: value for name, value in variables.items() if value}


def _point_out_unknown(configured: Mapping[str, Mapping[str, str | None]]) -> None:
    """Log each name once that looks like one of ours and is not: with a letter missing it would count for nothing.

    In the environment other programs have theirs, so only what is nearly one of ours is pointed out there.
    """
    known = [*variables(), *OTHER_VARIABLES]
    for origin, layer in configured.items():
        for name in layer:
            if name in known or name in _pointed_out or not name.startswith(PREFIXES):
                continue
            from difflib import get_close_matches  # noqa: PLC0415 (most have no such name)

            alike = get_close_matches(name, known, 1, cutoff=0.9)
            if alike or origin == ".env":
                _pointed_out.add(name)
                cure = f"did you mean {alike[0]}?" if alike else "`clickstream config show` lists them"
                _logger.warning("%s (%s) is not a setting and counts for nothing; %s", name, origin, cure)


def _build(home: Home, reading: _Reading) -> dict[str, Any]:
    """The sections, by their names in Settings. Raises SettingsError for all that is wrong in them."""
    built: dict[str, Any] = {}
    problems: list[str] = []
    for name, section in SECTIONS.items():
        given = {"PRODUCER_DATA_FILE": str(home.events)} if name == "pipeline" and not Path("data").is_dir() else {}
        try:
            built[name] = section(**given)
        except ValidationError as error:
            # An address that is missing means a server that is not there yet; load_settings saw to the rest.
            built[name] = None
            problems += describe(error, reading.values)
    if odd := described_characters(reading.values):
        raise SettingsError("\n".join(odd))
    if problems := problems + _contradictions(built["kafka"]):
        raise SettingsError("\n".join(problems))
    return built


def _contradictions(kafka: KafkaSettings | None) -> list[str]:
    """What is missing for the protocol to be spoken, and where it must not be: a line each."""
    if kafka is None:
        return []
    protocol, lines = kafka.security_protocol, []
    named = addresses.broker_protocols(kafka.bootstrap_servers)
    if named - {protocol}:
        lines.append(
            f"KAFKA_BOOTSTRAP_SERVERS: asks for another protocol than KAFKA_SECURITY_PROTOCOL={protocol}; "
            "give host:port alone"
        )
    if protocol == "SASL_PLAINTEXT" and not addresses.are_loopback(kafka.bootstrap_servers):
        lines.append(
            "KAFKA_SECURITY_PROTOCOL=SASL_PLAINTEXT: is for brokers on this machine's loopback address only, and "
            "KAFKA_BOOTSTRAP_SERVERS names another host; use SASL_SSL"
        )
    pair = {"KAFKA_SSL_CERT_FILE": kafka.ssl_cert_file, "KAFKA_SSL_KEY_FILE": kafka.ssl_key_file}
    if protocol.endswith("SSL") and any(pair.values()):
        lines += [f"{name}: not set, although its counterpart is; set both" for name, file in pair.items() if not file]
    if protocol.startswith("SASL"):
        login = {"KAFKA_SASL_USERNAME": kafka.sasl_username, "KAFKA_SASL_PASSWORD": kafka.sasl_password}
        lines += [
            f"{name}: not set, and KAFKA_SECURITY_PROTOCOL={protocol} needs it"
            for name, value in login.items()
            if not value
        ]
    return lines
