"""Private instances of Kafka, MariaDB and Redis: own folder, own port, loopback only."""

from deploy.local.services.kafka import Kafka
from deploy.local.services.lifecycle import Service, start_all
from deploy.local.services.mariadb import MariaDB
from deploy.local.services.redis import Redis

__all__ = ["Kafka", "MariaDB", "Redis", "Service", "start_all"]
