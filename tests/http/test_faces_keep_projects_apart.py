"""What is another project's does not exist: every route with an id in it, of every face.

The routes come from the faces' own descriptions, so one that is added is walked too.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pytest
import requests

from cellrig import Cell, Rig, Topology
from cellrig.http.compute.actions import ACTIONS as SERVER_ACTIONS
from cellrig.http.front_door import front_door
from cellrig.http.rig.doors import with_control
from cellrig.http.session import FaceSession
from cellrig.http.sign_in import by_token_or_name
from cellrig.http.versions import Version, pick
from cellrig.http.volume.actions import ACTIONS as VOLUME_ACTIONS
from cellrig.http.volume.schemas.actions import SCHEMAS as VOLUME_SCHEMAS
from cellrig.http.volume.schemas.actions import SNAPSHOT_SCHEMAS
from cellrig.identity.accounts import Account, open_account
from cellrig.identity.types import Scope
from cellrig.network.starting import NetworkTopology

OWNER, STRANGER = "alice:project", "mallory:other"
#: The faces, each in the microversions that have most routes.
VERSIONS = {"compute": ("2.35", "2.104"), "volume": ("3.71",), "placement": ("1.39",)}
FACES = [
    (face, version)
    for face in ("compute", "identity", "image", "network", "placement", "rig", "volume")
    for version in VERSIONS.get(face, ("",))
]
#: Not anybody's: what is below them is everybody's to read, or what the caller's own project has.
PUBLIC = re.compile(
    r"^GET /compute/v2.1/(flavors|extensions|os-availability-zone)"
    r"|/(defaults|openapi.json)$|^GET /image/v2/(schemas|info|tasks|metadefs)"
    r"|^POST .*volume-transfers?/{transfer_id}/accept$"  # by whoever has been told the key
    r"|^GET /volume/v3/({project_id}/)?(types|qos-specs|extensions|resource_filters)"
    r"|^GET /network/v2.0/(extensions|quotas/{project_id}/default)"
)
#: The faces that are for administrators alone.
ADMINISTRATORS = ("placement", "rig")
#: What no microversion has any more, and what no deployment like this has.
NOWHERE = (410, 501)
CONNECTOR = {"host": "somewhere"}
ACTIONS = {
    "/volumes/{volume_id}/action": VOLUME_SCHEMAS,
    "/snapshots/{snapshot_id}/action": SNAPSHOT_SCHEMAS,
}
#: What actions of volumes want at least, although it is more than their schemas say.
VOLUME_GIVEN: dict[str, Any] = {
    "os-attach": {"host_name": "somewhere"},
    "os-initialize_connection": {"connector": CONNECTOR},
    "os-terminate_connection": {"connector": CONNECTOR},
}


class Cloud(NamedTuple):
    """A cloud in which one project has one of everything."""

    rig: Rig
    session: FaceSession
    #: Ids of that project's, by the parameters that take them, for each face.
    ids: dict[str, dict[str, str]]

    def ask(
        self, method: str, path: str, body: Any = None, *, who: str, version: str = ""
    ) -> requests.Response:
        face = path.split("/")[1]
        kind = {"X-Auth-Token": who, "OpenStack-API-Version": f"{face} {version}"}
        if not version:
            del kind["OpenStack-API-Version"]
        if isinstance(body, bytes):
            return self.session.request(
                method, path, data=body, headers={**kind, "Content-Type": OCTETS}
            )
        patch = method == "PATCH" and face == "image"
        kind |= {"Content-Type": PATCH if patch else "application/json"} if body is not None else {}
        return self.session.request(method, path, headers=kind, json=body)

    def make(self, path: str, body: Any, version: str = "") -> Any:
        answer = self.ask("POST", path, body, who=OWNER, version=version)
        assert answer.ok, answer.text
        told = answer.json()
        return told if "id" in told else next(iter(told.values()))


OCTETS = "application/octet-stream"
PATCH = "application/openstack-images-v2.1-json-patch"


def fill(rig: Rig, session: FaceSession) -> Cloud:
    """Let a project have one of everything."""
    cloud = Cloud(rig, session, {})
    image = {"name": "own", "disk_format": "raw", "container_format": "bare"}
    image_id = cloud.make("/image/v2/images", {**image, "visibility": "private"})["id"]
    volumes = [
        cloud.make("/volume/v3/volumes", {"volume": {"size": 1}}, "3.71")["id"] for _each in "ab"
    ]
    server = {"name": "own", "flavorRef": "1", "imageRef": rig.images.list()[0].id}
    body = {"server": {**server, "networks": "auto"}}
    server_id = cloud.make("/compute/v2.1/servers", body, "2.104")["id"]
    attach = {"volumeAttachment": {"volumeId": volumes[0]}}
    cloud.make(f"/compute/v2.1/servers/{server_id}/os-volume_attachments", attach, "2.60")
    snapshot = {"snapshot": {"volume_id": volumes[1], "name": "own"}}
    group = {"server_group": {"name": "own", "policy": "affinity"}}
    network = cloud.make("/network/v2.0/networks", {"network": {"name": "own"}})["id"]
    subnet = {"network_id": network, "cidr": "10.9.0.0/24", "ip_version": 4}
    security = cloud.make("/network/v2.0/security-groups", {"security_group": {"name": "own"}})
    attachments = cloud.ask("GET", "/volume/v3/attachments", who=OWNER, version="3.71").json()
    cloud.make("/compute/v2.1/os-keypairs", {"keypair": {"name": "own"}}, "2.60")
    port = cloud.make("/network/v2.0/ports", {"port": {"network_id": network}})["id"]
    transfer = {"transfer": {"volume_id": volumes[1]}}
    snapshot_id = cloud.make("/volume/v3/snapshots", snapshot, "3.71")["id"]
    own = {
        "server_id": server_id,
        "volume_id": volumes[0],
        "snapshot_id": snapshot_id,
        "attachment_id": attachments["attachments"][0]["id"],
        "image_id": image_id,
        "network_id": network,
        "port_id": port,
        "project_id": "project",
        "user_id": "alice",
        "name": "own",
        "request_id": "req-own",
        "key": "a",
        "group_id": cloud.make("/compute/v2.1/os-server-groups", group, "2.104")["id"],
        "transfer_id": cloud.make("/volume/v3/volume-transfers", transfer, "3.71")["id"],
        "migration_id": "1",
    }
    cloud.ids["network"] = {
        "networks": network,
        "ports": port,
        "subnets": cloud.make("/network/v2.0/subnets", {"subnet": subnet})["id"],
        "security-groups": security["id"],
        "security-group-rules": security["security_group_rules"][0]["id"],
    }
    for face, _version in FACES:
        cloud.ids[face] = {**own, **cloud.ids.get(face, {})}
    cloud.ids["volume"]["project_id"] = "other"  # the path names the caller's own, or else 400
    return cloud


@pytest.fixture(scope="module")
def cloud() -> Iterator[Cloud]:
    networks = [NetworkTopology("private", subnets=["10.0.0.0/24"])]
    with Rig(Topology(cells=[Cell("here", hosts=1)], networks=networks), audit=False) as rig:
        door = front_door(rig, by_token_or_name(rig.identity))
        yield fill(rig, FaceSession(with_control(rig, door, None), "http://rig"))


def least(schema: Any) -> Any:
    """Return a small value that fits a JSON Schema, as far as our own schemas go."""
    if not isinstance(schema, dict):
        return None
    chosen = schema.get("anyOf", schema.get("oneOf"))
    if chosen is not None:
        return least(chosen[0])
    if "const" in schema or "enum" in schema:
        return schema.get("const", schema.get("enum", [None])[0])
    kind = schema.get("type")
    made = SMALLEST.get(kind[0] if isinstance(kind, list) else kind)
    return None if made is None else made(schema)


def least_object(schema: dict[str, Any]) -> dict[str, Any]:
    known = schema.get("properties", {})
    names = list(schema.get("required", [])) or list(known)[: schema.get("minProperties", 0)]
    if not names and schema.get("minProperties"):
        return {"a": least(schema.get("additionalProperties", {"type": "string"}))}
    return {name: least(known.get(name, {})) for name in names}


def least_string(schema: dict[str, Any]) -> str:
    uuid = "00000000-0000-4000-8000-000000000000"
    return uuid if schema.get("format") == "uuid" else "a" * max(schema.get("minLength", 1), 1)


def least_array(schema: dict[str, Any]) -> list[Any]:
    return [least(schema.get("items", {}))] * int(schema.get("minItems", 0))


SMALLEST: dict[str | None, Callable[[dict[str, Any]], Any]] = {
    "object": least_object,
    "array": least_array,
    "string": least_string,
    "integer": lambda schema: schema.get("minimum", 1),
    "number": lambda schema: schema.get("minimum", 1),
    "boolean": lambda _schema: True,
}


def bodies(operation: dict[str, Any], path: str, version: str) -> list[Any]:
    """Return what can be said to an operation: each action, or the least that it takes."""
    if path.endswith("/servers/{server_id}/action"):
        minor = Version(*map(int, version.split(".")))
        return [
            least(schema.definition)
            for action in SERVER_ACTIONS.values()
            if action.since <= minor and (action.until is None or minor <= action.until)
            if (schema := pick(action.body, minor)) is not None
        ]
    for end, schemas in ACTIONS.items():
        if path.endswith(end):
            given = {name: least(schema.definition) for name, schema in schemas.items()}
            given |= {name: {name: body} for name, body in VOLUME_GIVEN.items() if name in given}
            names = VOLUME_ACTIONS if schemas is VOLUME_SCHEMAS else given
            return [given.get(name, {name: None}) for name in names]
    return [said(operation, path)]


def said(operation: dict[str, Any], path: str) -> Any:
    if "requestBody" not in operation:
        return None
    if path.endswith("/attachments/{attachment_id}"):
        return {"attachment": {"connector": CONNECTOR}}
    media_type, content = next(iter(operation["requestBody"]["content"].items()))
    return b"data" if media_type == OCTETS else least(content["schema"])


def operations(cloud: Cloud, face: str, version: str) -> Iterator[tuple[str, str, dict[str, Any]]]:
    query = f"?microversion={version}" if version else ""
    told = cloud.session.get(f"/{face}/openapi.json{query}").json()["paths"]
    for path, methods in told.items():
        for method, operation in methods.items():
            if operation["security"] and not PUBLIC.search(f"{method.upper()} {path}"):
                yield method.upper(), path, operation


def concrete(cloud: Cloud, face: str, path: str) -> str:
    ids = cloud.ids[face]
    before = ""
    parts = path.split("/")
    for number, part in enumerate(parts):
        if part.startswith("{"):
            name = part.strip("{}")
            of_kind = ids.get(before) if face == "network" else None
            parts[number] = of_kind or ids.get(name) or ids.get(before) or "own"
            if name == "group_id" and before == "os-security-groups":
                parts[number] = cloud.ids["network"]["security-groups"]
        before = part
    return "/".join(parts)


def token_of_a_stranger(rig: Rig) -> str:
    user, project, _is_new = open_account(rig.identity, Account(user="mallory", project="other"))
    secret, _token = rig.identity.issue(user, Scope(project_id=project.id), ("password",))
    return secret


def state_of(rig: Rig) -> dict[str, bytes]:
    return {name: database.dump() for name, database in rig.databases.items()}


@pytest.mark.parametrize(("face", "version"), FACES, ids=lambda value: value or "-")
def test_a_stranger_reaches_nothing_by_its_id(cloud: Cloud, face: str, version: str) -> None:
    # Nobody is taken at his word by the control face: that one wants a token.
    who = token_of_a_stranger(cloud.rig) if face == "rig" else STRANGER
    before, walked, reached = state_of(cloud.rig), 0, []
    for method, path, operation in operations(cloud, face, version):
        if "{" not in path.replace("/v3/{project_id}", "/v3") and face not in ADMINISTRATORS:
            continue
        for body in bodies(operation, path, version):
            where = concrete(cloud, face, path)
            answer = cloud.ask(method, where, body, who=who, version=version)
            walked += 1
            if answer.status_code not in (403, 404, *NOWHERE):
                reached.append((method, where, body, answer.status_code, answer.text[:300]))
    assert not reached, "\n".join(map(str, reached))
    assert walked > 10
    assert state_of(cloud.rig) == before


@pytest.mark.parametrize(("face", "version"), FACES, ids=lambda value: value or "-")
def test_a_strangers_lists_have_nothing_of_others_in_them(
    cloud: Cloud, face: str, version: str
) -> None:
    theirs = {each for each in cloud.ids[face].values() if len(each) == 36}
    for method, path, _operation in operations(cloud, face, version):
        if method == "GET" and "{" not in path:
            answer = cloud.ask("GET", path, who=STRANGER, version=version)
            assert answer.status_code < 500 or answer.status_code in NOWHERE
            assert not [each for each in theirs if each in answer.text], path


def test_a_path_of_block_storage_names_the_callers_project(cloud: Cloud) -> None:
    for path in ("volumes", "snapshots", f"volumes/{cloud.ids['volume']['volume_id']}"):
        told = cloud.ask("GET", f"/volume/v3/project/{path}", who=STRANGER, version="3.71")
        assert (told.status_code, told.json()["badRequest"]["code"]) == (400, 400)


def test_the_owner_reaches_it_by_the_same_ids(cloud: Cloud) -> None:
    reached = 0
    for face, version in FACES:
        for method, path, _operation in operations(cloud, face, version):
            if method == "GET" and "{" in path:
                where = concrete(cloud, face, path)
                reached += cloud.ask("GET", where, who=OWNER, version=version).status_code == 200
    assert reached > 40
