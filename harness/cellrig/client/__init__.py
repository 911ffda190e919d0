"""What a test holds in its hands: servers, flavors and the rest, each call one request."""

from cellrig.client.client import Client
from cellrig.client.requests import Caller, Requests
from cellrig.client.server_requests import ServerRef

__all__ = ["Caller", "Client", "Requests", "ServerRef"]
