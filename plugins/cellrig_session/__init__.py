"""HTTP sessions with a rig, in process: a face for clients that speak the field's REST APIs."""

from cellrig_session.session import Session

__all__ = ["Session"]
