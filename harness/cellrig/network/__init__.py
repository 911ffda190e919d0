"""The network service: networks, subnets, ports and security groups, as far as servers need them.

It keeps and decides; it forwards nothing. `client.NetworkClient` is what the others ask of it.
"""
