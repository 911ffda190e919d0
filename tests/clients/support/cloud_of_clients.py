"""What the tests of clients have in common."""

from __future__ import annotations

import io
import itertools
import json
from contextlib import redirect_stderr, redirect_stdout
from typing import Any

from keystoneauth1 import session as keystone
from keystoneauth1.identity import v3
from openstack.connection import Connection

from cellrig.http.rig_session import RIG_URL

PASSWORD = "of-a-test"  # noqa: S105
USERS = ("admin", "demo")

_numbers = itertools.count(1)


def unique() -> str:
    """Return a name that nothing has: the cloud behind the port is that of all tests."""
    return f"client-{next(_numbers)}-x"


def boot(
    connection: Any, name: str, *, image: Any = None, flavor: str = "m1.tiny", **more: Any
) -> Any:
    """Boot a server and wait until it is active."""
    chosen = connection.compute.find_flavor(flavor)
    disk = image or connection.image.find_image("cirros", ignore_missing=False)
    server = connection.compute.create_server(
        name=name,
        image_id=disk.id,
        flavor_id=flavor if chosen is None else chosen.id,
        **{"networks": "none", **more},
    )
    return connection.compute.wait_for_server(server, interval=0.1)


class Cloud:
    """A cloud that is only known by its URL.

    Args:
        url: where it is.
    """

    def __init__(self, url: str) -> None:
        self.url = url

    def session(self, user: str = "admin") -> keystone.Session:
        """Sign in as clients of the field do."""
        auth = v3.Password(
            auth_url=f"{self.url}/identity/v3",
            username=user,
            password=PASSWORD,
            project_name=user,
            user_domain_name="Default",
            project_domain_name="Default",
            # The rig in this process has a clock of its own, which is years behind.
            reauthenticate=not self.url.startswith(RIG_URL),
        )
        return keystone.Session(auth=auth)

    def connection(self, user: str = "admin") -> Any:
        """Return openstacksdk's connection, whose types tell of versions that nobody has."""
        return Connection(session=self.session(user), region_name="RegionOne")

    def wait_for_volume(self, name: str, status: str) -> None:
        """Wait until a volume has a status: commands about volumes do not wait themselves."""
        storage = self.connection().block_storage
        volume = storage.find_volume(name, ignore_missing=False)
        storage.wait_for_status(volume, status, interval=0.1)

    def command(self, *arguments: str, user: str = "admin") -> str:
        """Run the ``openstack`` command; return what it printed.

        Raises:
            AssertionError: it ended with an error; with what it said.
        """
        from openstackclient.shell import OpenStackShell  # warns of its own packages
        from osc_lib.clientmanager import ClientCache

        signs_in = {
            "auth-url": f"{self.url}/identity/v3",
            "username": user,
            "password": PASSWORD,
            "project-name": user,
            "user-domain-name": "Default",
            "project-domain-name": "Default",
            "identity-api-version": "3",
            "region-name": "RegionOne",
        }
        options = [f"--os-{name}={value}" for name, value in signs_in.items()]
        out, err = io.StringIO(), io.StringIO()
        with redirect_stdout(out), redirect_stderr(err):
            shell = OpenStackShell()
            status = shell.run([*options, *arguments])
        # A process of the command has one cloud; this one has several, one after the other.
        for kind in type(shell.client_manager).__mro__:
            for cache in vars(kind).values():
                if isinstance(cache, ClientCache):
                    cache._handle = None
        assert status == 0, f"openstack {' '.join(arguments)}: {out.getvalue()} {err.getvalue()}"
        return out.getvalue()

    def json(self, *arguments: str, user: str = "admin") -> Any:
        """Run the ``openstack`` command; return what it printed as JSON."""
        return json.loads(self.command(*arguments, "-f", "json", user=user))
