"""autoft's own tables, which lie beside Optuna's in the same database, and the database's clock."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    Column,
    Double,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

SCHEMA_VERSION = 1

metadata = MetaData()

schema = Table("autoft_schema", metadata, Column("version", Integer, primary_key=True, autoincrement=False))

studies = Table(
    "autoft_studies",
    metadata,
    # Optuna's study_id. No foreign keys into Optuna's tables: its migrations may rebuild them.
    Column("study_id", Integer, primary_key=True, autoincrement=False),
    Column("name", String(255), nullable=False, unique=True),
    Column("config", Text, nullable=False),
    Column("created", Double, nullable=False),
)

# One row is one stretch of work on one configuration by one worker. A trial's latest search row
# says where it stands.
claims = Table(
    "autoft_claims",
    metadata,
    Column("claim_id", Integer, primary_key=True),
    Column("study_id", Integer, nullable=False),
    Column("trial_id", Integer, nullable=False),
    Column("number", Integer, nullable=False),
    # `search`; `audit`; or `finalist` and `half`, where `rung` is the index of the fresh seed.
    Column("work", String(32), nullable=False),
    Column("rung", Integer, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("worker", String(255), nullable=False),
    # Names one call, so that repeating it after a lost answer changes nothing.
    Column("token", String(32), nullable=False, unique=True),
    Column("state", String(16), nullable=False),
    Column("claimed_at", Double, nullable=False),
    Column("beat_at", Double, nullable=False),
    Column("expires_at", Double, nullable=False),
    UniqueConstraint("trial_id", "work", "rung", "attempt", name="autoft_claims_once"),
    Index("autoft_claims_of_study", "study_id", "state"),
)

lineage = Table(
    "autoft_lineage",
    metadata,
    Column("lineage_id", Integer, primary_key=True),
    Column("study_id", Integer, nullable=False, index=True),
    Column("trial_id", Integer, nullable=False),
    Column("kind", String(32), nullable=False),
    Column("parent_id", Integer),
    Column("facts", Text, nullable=False),
    Column("created", Double, nullable=False),
)


class epoch(FunctionElement[float]):  # noqa: N801 - reads as a function in SQL
    """The database's clock, seconds since 1970: leases need no agreement of workers' clocks."""

    type = Double()
    inherit_cache = True


@compiles(epoch, "sqlite")
def _epoch_sqlite(_element: epoch, _compiler: Any, **_options: Any) -> str:
    return "((julianday('now') - 2440587.5) * 86400.0)"


@compiles(epoch, "postgresql")
def _epoch_postgresql(_element: epoch, _compiler: Any, **_options: Any) -> str:
    # now() stands still within a transaction, which may have waited for a lock.
    return "extract(epoch from clock_timestamp())::double precision"


@compiles(epoch)
def _epoch_mysql(_element: epoch, _compiler: Any, **_options: Any) -> str:
    return "unix_timestamp(sysdate(6))"
