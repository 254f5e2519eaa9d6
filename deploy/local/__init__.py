"""Everything on one machine: private Kafka, MariaDB and Redis, and every process."""
