"""A cell's instance actions and their events."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import bindparam, select, update

from cellrig.db import cell_tables as tables
from cellrig.db.database import Database, Statement, Transaction
from cellrig.db.statements import insert_into
from cellrig.model import Event

_a, _e = tables.actions.c, tables.action_events.c
_ACTION_ID = Statement(
    select(_a.id)
    .where(_a.instance_uuid == bindparam("instance_uuid"), _a.request_id == bindparam("request_id"))
    .order_by(_a.id.desc())
    .limit(1)
)
_FINISH_EVENT = Statement(
    update(tables.action_events)
    .where(
        _e.action_id == bindparam("by_action_id"),
        _e.name == bindparam("by_name"),
        _e.finish_time.is_(None),
    )
    .values(
        finish_time=bindparam("finish_time"),
        result=bindparam("result"),
        traceback=bindparam("traceback"),
    )
)
_FINISH_ACTION = Statement(
    update(tables.actions)
    .where(_a.id == bindparam("by_id"))
    .values(finish_time=bindparam("finish_time"), message=bindparam("message"))
)


class ActionStore:
    """What was asked of the servers of one cell, and how it went.

    Args:
        database: the cell's.
        now: the rig's clock.
    """

    def __init__(self, database: Database, now: Callable[[], float]) -> None:
        self._database = database
        self._now = now

    def start(
        self, instance_uuid: str, action: str, request_id: str, project_id: str, user_id: str
    ) -> None:
        """Record that `action` was asked for by the request `request_id`."""
        with self._database.transaction() as transaction:
            transaction.run(
                insert_into(tables.actions),
                action=action,
                instance_uuid=instance_uuid,
                request_id=request_id,
                project_id=project_id,
                user_id=user_id,
                start_time=self._now(),
                finish_time=None,
                message=None,
            )

    def event_start(self, instance_uuid: str, request_id: str, name: str, host: str | None) -> None:
        """Record that a step of the request's action begins, where it has one."""
        with self._database.transaction() as transaction:
            start_event(transaction, instance_uuid, Event(name, request_id, host), self._now())

    def event_finish(
        self, instance_uuid: str, request_id: str, name: str, error: str | None
    ) -> None:
        """Record how the step ended: None is success, else the traceback as text.

        The action itself ends with its last step.
        """
        with self._database.transaction() as transaction:
            action = _action_id(transaction, instance_uuid, request_id)
            if action is None:
                return
            now = self._now()
            transaction.run(
                _FINISH_EVENT,
                by_action_id=action,
                by_name=name,
                finish_time=now,
                result="Success" if error is None else "Error",
                traceback=error,
            )
            transaction.run(
                _FINISH_ACTION,
                by_id=action,
                finish_time=now,
                message=None if error is None else "Error",
            )


def start_event(transaction: Transaction, instance_uuid: str, event: Event, now: float) -> None:
    """Do what `ActionStore.event_start` does."""
    action = _action_id(transaction, instance_uuid, event.request_id)
    if action is not None:
        transaction.run(
            insert_into(tables.action_events),
            action_id=action,
            name=event.name,
            host=event.host,
            start_time=now,
            finish_time=None,
            result=None,
            traceback=None,
        )


def _action_id(transaction: Transaction, instance_uuid: str, request_id: str) -> int | None:
    row = transaction.one(_ACTION_ID, instance_uuid=instance_uuid, request_id=request_id)
    return None if row is None else row[0]
