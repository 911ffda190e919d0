"""The suite that a driver must pass: what it declares is tested whole, the rest must be refused.

Every case builds a cloud of two hosts with the driver, drives it through the whole control plane,
and calls it directly where the interface promises what no service asks for. When it ends,
everything that it made is given back, and what is left fails it.

Three doors lead to it: ``cellrig conformance --driver NAME``, ``pytest --pyargs
cellrig.testing.conformance --cellrig-driver=NAME``, and `conform`. An author adds cases by
subclassing an `Area`, and brings hosts that need more than options by subclassing `Setup`.
"""

from cellrig.testing.conformance.areas import AREAS
from cellrig.testing.conformance.case import Area, Case, cases_of, needs, undeclared
from cellrig.testing.conformance.checking import (
    Inapplicable,
    NotOffered,
    Unmet,
    check,
    contains,
    equal,
)
from cellrig.testing.conformance.lab import Lab, LeftBehind
from cellrig.testing.conformance.report import Report, Row
from cellrig.testing.conformance.running import Outcome, Result
from cellrig.testing.conformance.setup import Setup, find_setup
from cellrig.testing.conformance.suite import Plan, conform

__all__ = [
    "AREAS",
    "Area",
    "Case",
    "Inapplicable",
    "Lab",
    "LeftBehind",
    "NotOffered",
    "Outcome",
    "Plan",
    "Report",
    "Result",
    "Row",
    "Setup",
    "Unmet",
    "cases_of",
    "check",
    "conform",
    "contains",
    "equal",
    "find_setup",
    "needs",
    "undeclared",
]
