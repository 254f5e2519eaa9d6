"""The MySQL schema, brought up to date forward-only, with SQL that MySQL 8 and MariaDB 10.11 share.

A step must be safe while the version before it still runs: add, then use, and drop one release later.
"""

from __future__ import annotations

import re
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import URL, Connection, Engine, create_engine, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import NullPool

from schemas.settings import MySQL
from streams.errors import MigrationsBusy

LOCK = "freshpipe migrations"
LOCK_SECONDS = 60
UNKNOWN_DATABASE = 1049
RECEIVER_VIEWS = ("webhook_endpoint", "webhook_product", "webhook_revision")


def migrate(mysql: MySQL) -> str:
    """Create the database if it is not there, run what has not run yet, and return the revision it is at.

    Processes that start together take turns. Raises MigrationsBusy, or SQLAlchemy's error of a failed statement;
    run it again after the cause is gone.
    """
    _ensure_database(mysql)
    with _engine(mysql, mysql.database).connect() as connection:
        if connection.scalar(text("SELECT GET_LOCK(:name, :seconds)"), {"name": LOCK, "seconds": LOCK_SECONDS}) != 1:
            raise MigrationsBusy(LOCK)
        _upgrade(connection)
        return str(connection.scalar(text("SELECT version_num FROM schema_version")))


def grant_receiver(mysql: MySQL, user: str, password: str | None = None, host: str = "%") -> None:
    """Give the receiver's own user its three views, and nothing else.

    With a password the user is made, or gets it: `mysql` must be allowed to create users. Raises ValueError for a
    name that is not plain.
    """
    if not re.fullmatch(r"\w{1,32}", user) or not re.fullmatch(r"[\w.:%-]{1,255}", host):
        raise ValueError(f"not a plain user or host name: {user!r}@{host!r}")
    with _engine(mysql, mysql.database).connect() as connection:
        if password is not None:
            connection.exec_driver_sql("CREATE USER IF NOT EXISTS %s@%s IDENTIFIED BY %s", (user, host, password))
            connection.exec_driver_sql("ALTER USER %s@%s IDENTIFIED BY %s", (user, host, password))
        for view in RECEIVER_VIEWS:
            connection.exec_driver_sql(f"GRANT SELECT ON `{mysql.database}`.{view} TO %s@%s", (user, host))


def _upgrade(connection: Connection) -> None:
    connection.exec_driver_sql("ALTER DATABASE CHARACTER SET utf8mb4 COLLATE utf8mb4_bin")
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
    connection.commit()


def _ensure_database(mysql: MySQL) -> None:
    try:
        with _engine(mysql, mysql.database).connect():
            return
    except OperationalError as error:
        if error.orig is None or error.orig.args[0] != UNKNOWN_DATABASE:
            raise
    if not re.fullmatch(r"\w{1,64}", mysql.database):
        raise ValueError(f"not a plain database name: {mysql.database!r}")
    with _engine(mysql, None).connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE IF NOT EXISTS `{mysql.database}`")


def _engine(mysql: MySQL, database: str | None) -> Engine:
    url = URL.create(
        "mysql+pymysql",
        mysql.user,
        mysql.password.get_secret_value(),
        mysql.host,
        mysql.port,
        database,
        {"charset": "utf8mb4"},
    )
    return create_engine(url, poolclass=NullPool, isolation_level="AUTOCOMMIT", hide_parameters=True)
