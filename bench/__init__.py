"""How fast and how small Cellrig is: run from the repository with ``python -m bench.<module>``.

`foundation` holds the house to its targets, `bench_peers` compares it with Nova's own functional
harness, `placement` compares its placement with OpenStack's, `growth` draws how the cost of a boot
grows. Every figure is measured in a process of its
own, so that none pays, or is paid for, by what was measured before it.
"""
