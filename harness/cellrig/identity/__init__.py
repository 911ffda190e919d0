"""Identity: who may ask. Domains, projects, users, roles, and the tokens that stand for them."""

from cellrig.identity.service import Identity
from cellrig.identity.tables import IDENTITY_SCHEMA, identity_database

__all__ = ["IDENTITY_SCHEMA", "Identity", "identity_database"]
