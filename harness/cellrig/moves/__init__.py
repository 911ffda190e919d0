"""What conductors and compute services share of moving a server: owners, and taking a move back."""

from cellrig.moves.ownership import NothingToMove, Ownership
from cellrig.moves.withdrawal import Withdrawal

__all__ = ["NothingToMove", "Ownership", "Withdrawal"]
