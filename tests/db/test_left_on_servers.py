"""What rigs leave on a server: nothing, however they ended; and how many connections they take."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import Column, Integer, MetaData, String, Table, bindparam, insert, select
from sqlalchemy.engine import make_url

from cellrig.db.connections import KEPT, Connections, Home, ServerSession
from cellrig.db.database import Database, Statement
from cellrig.db.places import OnServer, place_of, taken_server
from cellrig.db.schema import Schema
from cellrig.db.stock import Stock
from cellrig.runtime.virtual import VirtualRuntime

#: What is there: databases of the process ``{0}``, and its connections.
_LOOKS = {
    "postgresql": [
        "SELECT nspname FROM pg_namespace WHERE nspname LIKE '%{0}%'",
        "SELECT pid FROM pg_stat_activity WHERE application_name LIKE '%{0}'",
    ],
    "mariadb": [
        "SELECT schema_name FROM information_schema.schemata WHERE schema_name LIKE '%{0}%'",
        """SELECT id FROM information_schema.processlist
           WHERE id = IS_USED_LOCK('cellrig_{0}') OR db LIKE '%{0}%'""",
    ],
}


def left(url: str, process: str) -> tuple[list[object], list[object]]:
    """The databases and the connections of a process, as another one sees them."""
    place = place_of(url)
    assert isinstance(place, OnServer)
    server = type(place._server)(place._server._url)  # type: ignore[attr-defined,call-arg]
    place.close()
    spaces, connections = (
        [row[0] for row in server._do(look.format(process))]  # type: ignore[attr-defined]
        for look in _LOOKS[url.partition(":")[0]]
    )
    server.close()
    return spaces, connections


def left_at_last(url: str, process: str) -> tuple[list[object], list[object]]:
    """What `left` tells when the server has seen that connections were closed.

    It ends them in processes of its own, which it does not wait for: at most 10 s are given.
    """
    given_up = time.monotonic() + 10
    while any(told := left(url, process)) and time.monotonic() < given_up:
        time.sleep(0.05)
    return told


SCRIPT = """
import sys
sys.path.insert(0, {here!r})
from test_left_on_servers import left, left_at_last
from cellrig import Rig, Topology

url = {url!r}
rigs = [Rig(Topology(database=url)).start() for _number in range(2)]
process = rigs[0].cloud._place._server.names.process
for rig in rigs:
    assert rig.servers.show(rig.servers.create()).status == "ACTIVE"
rigs.pop().stop()
spaces, connections = left(url, process)
assert len(spaces) == len(rigs[0].databases), spaces
assert connections
try:
    with Rig(Topology(database=url)):
        rigs.pop().stop()
        raise KeyError
except KeyError:
    pass
print(process, *left_at_last(url, process))
"""


def test_rigs_that_ended_leave_no_connection_and_no_database(server_url: str) -> None:
    """Also where one has failed; the process goes on."""
    code = SCRIPT.format(here=str(Path(__file__).parent), url=server_url)
    done = subprocess.run(  # noqa: S603 - our own text
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[1:] == ["[]", "[]"], done.stdout


SUITE = """
import pytest
from cellrig import Rig, Topology

SEEN = []


def look(rig):
    assert not SEEN or not list(rig.servers.list())
    assert rig.servers.show(rig.servers.create(name="a")).status == "ACTIVE"
    with open({told!r}, "a") as told:
        told.write(rig.cloud._place._server.names.process + "\\n")
    SEEN.append(set(rig.cloud._place._made))


@pytest.mark.parametrize("number", range(2))
def test_it(rig, number):
    look(rig)
    assert number != 1


def test_a_rig_that_nobody_stops(request):
    request.config.rig = Rig(Topology(database=request.config.option.cellrig_database)).start()
    look(request.config.rig)


def test_databases_are_handed_on(request):
    for _number in range(2):
        with Rig(Topology(database=request.config.option.cellrig_database)) as rig:
            look(rig)
    assert SEEN[-1] == SEEN[-2]
"""


def test_a_run_of_tests_leaves_nothing(find_server: Callable[[str], str], tmp_path: Path) -> None:
    """One fails, one forgets to stop its rig, and those of one process use the same databases.

    What is handed on is the same on both servers, and this takes seconds.
    """
    server_url = find_server("postgresql")
    told = tmp_path / "told"
    (tmp_path / "test_it.py").write_text(SUITE.format(told=str(told)))
    options = ["-p", "no:cacheprovider", "-n", "2", f"--cellrig-database={server_url}"]
    done = subprocess.run(  # noqa: S603 - our own text
        [sys.executable, "-m", "pytest", *options],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    assert "1 failed, 3 passed" in done.stdout, done.stdout + done.stderr
    processes = set(told.read_text().split())
    assert processes
    for process in processes:
        assert left(server_url, process) == ([], [])


_metadata = MetaData()
_notes = Table(
    "notes",
    _metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("text", String(20), nullable=False),
)
NOTES = Schema("notes", 1, _metadata, {_notes: [{"text": "first"}]})
_WRITE = Statement(insert(_notes).values(text=bindparam("words")))
_READ = Statement(select(_notes.c.text).order_by(_notes.c.id))


def texts(database: Database) -> list[str]:
    with database.reading() as reading:
        return [text for (text,) in reading.all(_READ)]


def test_a_database_that_is_handed_on_is_as_if_it_were_new(server_url: str) -> None:
    stock = Stock(lambda: taken_server(make_url(server_url)))
    made: list[str] = []
    for _rig in range(2):
        place = OnServer(make_url(server_url), stock)
        database = Database("notes", NOTES.image, VirtualRuntime(), place.storage("notes", NOTES))
        assert texts(database) == ["first"]
        with database.transaction() as transaction:
            transaction.run(_WRITE, words="second")
        assert texts(database) == ["first", "second"]
        database.close()
        made += place._made
        process = place._server.names.process
        place.close()
    assert len(set(made)) == 1
    assert set(left(server_url, process)[0]) >= set(made)
    stock.close()
    assert not set(left(server_url, process)[0]) & set(made)


def test_a_copy_is_of_what_there_is_now(server_url: str) -> None:
    """However often it was copied before, and what it was set to."""
    place = OnServer(make_url(server_url))
    database = Database("notes", NOTES.image, VirtualRuntime(), place.storage("notes", NOTES))
    before = database.dump()
    assert database.dump() == before
    with database.transaction() as transaction:
        transaction.run(_WRITE, words="second")
    after = database.dump()
    assert after != before
    for image, found in ((before, ["first"]), (after, ["first", "second"]), (before, ["first"])):
        database.load(image)
        assert texts(database) == found
        assert database.dump() == image
    database.close()
    place.close()


# -- how many connections --------------------------------------------------------------------------


class Line:
    """A connection that only knows where it is."""

    def __init__(self, home: Home, lines: list[Line]) -> None:
        self.is_lost = False
        self.space = home.space
        self.first = home
        self._lines = lines
        lines.append(self)

    def enter(self, space: str, _told: str) -> None:
        self.space = space

    def close(self) -> None:
        self._lines.remove(self)


ONE, OTHER = Schema("one", 1, MetaData()), Schema("other", 1, MetaData())


@pytest.fixture
def lines() -> list[Line]:
    return []


@pytest.fixture
def connections(lines: list[Line]) -> Connections:
    def connect(home: Home) -> ServerSession:
        return Line(home, lines)  # type: ignore[return-value]

    return Connections(connect)


def home(number: int, schema: Schema = ONE) -> Home:
    return Home(f"space{number}", "database", schema)


def test_any_number_of_databases_share_so_many_connections(
    connections: Connections, lines: list[Line]
) -> None:
    for number in [*range(3 * KEPT), *range(3 * KEPT)]:
        where = home(number, (ONE, OTHER)[number % 2])
        session = connections.take(where)
        assert session.space == where.space  # type: ignore[attr-defined]
        assert session.first.schema is where.schema  # type: ignore[attr-defined]
        connections.put_back(where, session)
        assert len(lines) <= KEPT
    connections.close_idle()
    assert lines == []


def test_a_database_gets_the_connection_that_it_had(connections: Connections) -> None:
    had = []
    for number in range(KEPT):
        had.append(connections.take(home(number)))
        connections.put_back(home(number), had[-1])
    assert [connections.take(home(number)) for number in range(KEPT)] == had


def test_nobody_waits_and_what_is_too_many_is_closed(
    connections: Connections, lines: list[Line]
) -> None:
    taken = [connections.take(home(0)) for _number in range(KEPT + 5)]
    assert len(lines) == KEPT + 5
    for session in taken:
        connections.put_back(home(0), session)
    assert len(lines) == KEPT


def test_what_is_lost_is_kept_by_nobody(connections: Connections, lines: list[Line]) -> None:
    session = connections.take(home(0))
    session.is_lost = True  # type: ignore[misc]
    connections.put_back(home(0), session)
    assert lines == []
    assert connections.take(home(0)) is not session
