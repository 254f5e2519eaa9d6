-- The records that a product listed, and how they stood then: what has not changed is not read again, and what a complete
-- sweep no longer meets may be gone. `mark`: the vendor's change time or a digest; `sweep`: the last sweep that met it.

CREATE TABLE IF NOT EXISTS seen (
    tenant     VARCHAR(64)  NOT NULL,
    connection VARCHAR(64)  NOT NULL,
    entity     VARCHAR(64)  NOT NULL,
    id         VARCHAR(255) NOT NULL,
    mark       VARCHAR(64)  NOT NULL,
    sweep      BIGINT       NOT NULL DEFAULT 0,
    PRIMARY KEY (tenant, connection, entity, id),
    KEY seen_sweep (tenant, connection, entity, sweep)
);
