"""The schema comes up from nothing, once, on a real server."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pymysql
import pytest
from pymysql.err import OperationalError

import streams.migrations
from deploy.local.services import MariaDB
from schemas.settings import MySQL
from streams.migrations import grant_receiver, migrate
from streams.migrations.statements import statements

NEWEST = "r0005"
TENANT_KEYED = [
    *("attention", "backfill_record", "change_end", "connection", "counter", "discovered", "due", "installation"),
    *("intent", "link_copy", "seen", "trail", "webhook_secret", "work", "app_version"),
]


def settings(mysql: MariaDB, database: str, user: str = "", password: str = "") -> MySQL:
    login = {"user": user or mysql.user, "password": password or mysql.password}
    return MySQL.model_validate({"host": mysql.host, "port": mysql.port, "database": database, **login})


def ask(mysql: MySQL, sql: str, *arguments: str) -> list[tuple[object, ...]]:
    connection = pymysql.connect(
        host=mysql.host,
        port=mysql.port,
        user=mysql.user,
        password=mysql.password.get_secret_value(),
        database=mysql.database,
    )
    with connection, connection.cursor() as cursor:
        cursor.execute(sql, arguments or None)
        return list(cursor.fetchall())


def newest() -> str:
    """The last step in the folder: its files are named by their order."""
    folder = Path(streams.migrations.__file__).parent / "versions"
    return max(step.name for step in folder.glob("r*.py")).split("_")[0]


def test_an_empty_database_comes_up_to_date_and_stays_so(mysql: MariaDB, database: str) -> None:
    mine = settings(mysql, database)
    head = migrate(mine)
    assert migrate(mine) == head == NEWEST
    assert ask(mine, "SELECT number FROM revision") == [(1,)]


def test_a_database_that_is_not_there_is_made(mysql: MariaDB, unique: str) -> None:
    mine = settings(mysql, f"freshpipe_{unique}")
    migrate(mine)
    assert ask(mine, "SELECT COUNT(*) FROM tenant") == [(0,)]
    ask(mine, f"DROP DATABASE {mine.database}")


def test_processes_that_migrate_at_once_take_turns(mysql: MariaDB, database: str) -> None:
    mine = settings(mysql, database)
    with ThreadPoolExecutor(max_workers=3) as threads:
        assert set(threads.map(migrate, [mine] * 3)) == {NEWEST}


def test_a_migration_that_died_half_way_runs_again(mysql: MariaDB, database: str) -> None:
    mine = settings(mysql, database)
    first = Path(streams.migrations.__file__).parent / "versions" / "r0001_registry.sql"
    for statement in statements(first.read_text())[:4]:
        ask(mine, statement)
    assert migrate(mine) == NEWEST


@pytest.mark.parametrize("table", TENANT_KEYED)
def test_the_tenant_stands_first_in_the_primary_key(schema: MySQL, table: str) -> None:
    sql = (
        "SELECT column_name FROM information_schema.key_column_usage WHERE table_schema = DATABASE()"
        " AND constraint_name = 'PRIMARY' AND table_name = %s ORDER BY ordinal_position LIMIT 1"
    )
    assert ask(schema, sql, table) == [("tenant",)]


def test_ids_that_differ_in_case_are_different(mysql: MariaDB, database: str) -> None:
    ask(settings(mysql, database), f"ALTER DATABASE {database} COLLATE utf8mb4_general_ci")
    mine = settings(mysql, database)
    migrate(mine)
    collations = "SELECT DISTINCT collation_name FROM information_schema.columns WHERE table_schema = DATABASE()"
    ours = f"{collations} AND collation_name IS NOT NULL AND table_name NOT IN ('schema_version')"
    assert ask(mine, ours) == [("utf8mb4_bin",)]


def test_the_receivers_user_sees_its_views_and_nothing_else(mysql: MariaDB, database: str, unique: str) -> None:
    migrate(settings(mysql, database))
    grant_receiver(settings(mysql, database), unique, "first")
    grant_receiver(settings(mysql, database), unique, "second")
    receiver = settings(mysql, database, unique, "second")
    for view in streams.migrations.RECEIVER_VIEWS:
        ask(receiver, f"SELECT * FROM {view}")  # noqa: S608 - our own names
    for table in ("connection", "tenant", "revision", "product_secret", "trail"):
        with pytest.raises(OperationalError, match="denied"):
            ask(receiver, f"SELECT * FROM {table}")  # noqa: S608 - our own names
    with pytest.raises(OperationalError, match="denied"):
        ask(receiver, "DELETE FROM webhook_endpoint")
    ask(settings(mysql, database), f"DROP USER '{unique}'@'%'")


@pytest.mark.parametrize("name", ["a'b", "", "x" * 40, "a b"])
def test_a_user_name_that_is_not_plain_is_refused(schema: MySQL, name: str) -> None:
    with pytest.raises(ValueError, match="plain"):
        grant_receiver(schema, name, "password")
