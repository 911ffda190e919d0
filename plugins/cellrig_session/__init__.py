"""HTTP sessions with a rig, in process: its faces for clients that speak the field's REST APIs."""

from cellrig_session.session import Connection, Session

__all__ = ["Connection", "Session"]
