"""The identity service's tables, and the empty database that every rig starts from.

Each kind of thing is one table of its id, the keys that it is looked up by, and itself.
"""

from __future__ import annotations

from sqlalchemy import Column, Float, Index, Integer, MetaData, String, Table, Text

from cellrig.db.schema import Schema

metadata = MetaData()


def _things(name: str, *keys: str) -> Table:
    return Table(
        name,
        metadata,
        Column("id", String(255), primary_key=True),
        *[Column(key, String(255), nullable=False) for key in keys],
        Column("value", Text, nullable=False),
    )


domains = _things("domains", "name")
projects = _things("projects", "domain_id", "name")
users = _things("users", "domain_id", "name")
groups = _things("groups", "domain_id", "name")
roles = _things("roles", "domain_id", "name")
credentials = _things("application_credentials", "user_id", "name")

assignments = Table(
    "assignments",
    metadata,
    Column("actor", String(8), primary_key=True),
    Column("actor_id", String(255), primary_key=True),
    Column("role_id", String(64), primary_key=True),
    Column("scope", String(16), primary_key=True),
    Column("target", String(255), primary_key=True),
    Column("inherited", Integer, primary_key=True, autoincrement=False),
    Index("assignments_by_target", "scope", "target"),
)

memberships = Table(
    "memberships",
    metadata,
    Column("user_id", String(255), primary_key=True),
    Column("group_id", String(255), primary_key=True),
    Index("memberships_by_group", "group_id"),
)

#: The roles that whoever has a role has with it.
implications = Table(
    "implied_roles",
    metadata,
    Column("prior_id", String(64), primary_key=True),
    Column("implied_id", String(64), primary_key=True),
)

#: What is only kept and shown; `owner` is a user's id, empty of what is nobody's.
records = Table(
    "records",
    metadata,
    Column("kind", String(32), primary_key=True),
    Column("id", String(255), primary_key=True),
    Column("owner", String(255), nullable=False),
    Column("value", Text, nullable=False),
    Index("records_by_owner", "kind", "owner"),
)

#: `fingerprint` of the secret; the secret itself is nowhere.
tokens = Table(
    "tokens",
    metadata,
    Column("fingerprint", String(64), primary_key=True),
    Column("user_id", String(255), nullable=False),
    Column("expires_at", Float(53), nullable=False),
    Column("value", Text, nullable=False),
    Index("tokens_by_user", "user_id"),
    Index("tokens_by_end", "expires_at"),
)

Index("projects_by_name", projects.c.domain_id, projects.c.name, unique=True)
Index("users_by_name", users.c.domain_id, users.c.name, unique=True)
Index("groups_by_name", groups.c.domain_id, groups.c.name, unique=True)
Index("roles_by_name", roles.c.domain_id, roles.c.name, unique=True)
Index("application_credentials_by_name", credentials.c.user_id, credentials.c.name, unique=True)


IDENTITY_SCHEMA = Schema("identity", 1, metadata)


def identity_database() -> bytes:
    """Return the image of an empty identity service's database."""
    return IDENTITY_SCHEMA.image
