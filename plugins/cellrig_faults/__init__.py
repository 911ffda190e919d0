"""Scripted faults at any seam of a rig, and a report of the errors that somebody swallowed.

A fault is data: where (a seam, a host, a cell, a server, a service), when (which call), what.
"""

from cellrig_faults.actions import (
    BringBack,
    CrashAfter,
    CrashBefore,
    Delay,
    DeliverTwice,
    DropReply,
    Fail,
    FailAfter,
    TakeDown,
)
from cellrig_faults.errors import InjectedFault, InvalidFault
from cellrig_faults.expectations import Expectation
from cellrig_faults.fault import Fault, Where
from cellrig_faults.faults import Faults
from cellrig_faults.hold import Hold
from cellrig_faults.interface import Action
from cellrig_faults.passed import Passed, passage_fault
from cellrig_faults.rule import Rule

__all__ = [
    "Action",
    "BringBack",
    "CrashAfter",
    "CrashBefore",
    "Delay",
    "DeliverTwice",
    "DropReply",
    "Expectation",
    "Fail",
    "FailAfter",
    "Fault",
    "Faults",
    "Hold",
    "InjectedFault",
    "InvalidFault",
    "Passed",
    "Rule",
    "TakeDown",
    "Where",
    "passage_fault",
]
