"""Who may do what: the few rules of the field's default policy that a test can meet."""

from __future__ import annotations

from cellrig.context import RequestContext
from cellrig.errors import Conflict, Forbidden
from cellrig.model import Instance


def check_admin(context: RequestContext, what: str) -> None:
    """Check that the caller is an administrator.

    Raises:
        Forbidden: it is not.
    """
    if not context.is_admin:
        raise Forbidden(f"user {context.user_id} may not {what}: this takes an administrator")


def check_unlocked(context: RequestContext, instance: Instance) -> None:
    """Check that the caller may change a server.

    Raises:
        Conflict: it is locked, and the caller is no administrator.
    """
    if instance.locked and not context.is_admin:
        reason = f" ({instance.locked_reason})" if instance.locked_reason else ""
        raise Conflict(f"server {instance.uuid} is locked{reason}")


def may_see(context: RequestContext, project_id: str) -> bool:
    """Whether the caller may see what belongs to a project; to others it does not exist."""
    return context.is_admin or project_id == context.project_id
