"""The names of cells that mean something to the code."""

#: The cell of servers that no host could take. It has no hosts.
CELL0 = "cell0"
