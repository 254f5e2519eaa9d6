-- The historian's copy of the trail, for people: rebuildable, and no source of truth for syncing. Times are ms since the
-- epoch, UTC; a record is its text form connection/entity/id; `day` is the UTC day of `at`.

-- One partition a day (see streams/crawler/retention.py); a redelivered entry has the same id and day, and is absorbed.
CREATE TABLE IF NOT EXISTS trail (
    tenant       VARCHAR(64)  NOT NULL,
    day          DATE         NOT NULL,
    id           VARCHAR(255) NOT NULL,
    at           BIGINT       NOT NULL,
    stage        VARCHAR(16)  NOT NULL,
    kind         VARCHAR(16)  NOT NULL,
    record       VARCHAR(400) NOT NULL DEFAULT '',
    other        VARCHAR(400) NOT NULL DEFAULT '',
    installation VARCHAR(64)  NOT NULL DEFAULT '',
    pair         VARCHAR(64)  NOT NULL DEFAULT '',
    link         VARCHAR(255) NOT NULL DEFAULT '',
    ended        VARCHAR(16)  NOT NULL DEFAULT '',
    reason       VARCHAR(64)  NOT NULL DEFAULT '',
    category     VARCHAR(32)  NOT NULL DEFAULT '',
    message      TEXT         NOT NULL,
    changes      MEDIUMTEXT   NOT NULL,
    fields       MEDIUMTEXT   NOT NULL,
    received_at  BIGINT       NOT NULL DEFAULT 0,
    PRIMARY KEY (tenant, day, id),
    KEY trail_at (tenant, at),
    KEY trail_record (tenant, record, at),
    KEY trail_other (tenant, other, at)
)
PARTITION BY RANGE (TO_DAYS(day)) (PARTITION later VALUES LESS THAN MAXVALUE);

-- What waits for a person. `state`: open or closed. People see it grouped by reason, category, installation and field.
CREATE TABLE IF NOT EXISTS attention (
    tenant       VARCHAR(64)  NOT NULL,
    id           VARCHAR(255) NOT NULL,
    state        VARCHAR(8)   NOT NULL DEFAULT 'open',
    kind         VARCHAR(16)  NOT NULL,
    reason       VARCHAR(64)  NOT NULL DEFAULT '',
    category     VARCHAR(32)  NOT NULL DEFAULT '',
    product      VARCHAR(64)  NOT NULL DEFAULT '',
    connection   VARCHAR(64)  NOT NULL DEFAULT '',
    installation VARCHAR(64)  NOT NULL DEFAULT '',
    pair         VARCHAR(64)  NOT NULL DEFAULT '',
    link         VARCHAR(255) NOT NULL DEFAULT '',
    record       VARCHAR(400) NOT NULL DEFAULT '',
    other        VARCHAR(400) NOT NULL DEFAULT '',
    field        VARCHAR(255) NOT NULL DEFAULT '',
    message      TEXT         NOT NULL,
    fields       MEDIUMTEXT   NOT NULL,
    times        INT          NOT NULL DEFAULT 1,
    opened_at    BIGINT       NOT NULL,
    seen_at      BIGINT       NOT NULL,
    closed_at    BIGINT       NOT NULL DEFAULT 0,
    closed_by    VARCHAR(255) NOT NULL DEFAULT '',
    PRIMARY KEY (tenant, id),
    KEY attention_open (tenant, state, seen_at),
    KEY attention_cause (tenant, state, reason, category, installation),
    KEY attention_record (tenant, record, state)
);

-- The end of every change, to be counted against those that were received.
CREATE TABLE IF NOT EXISTS change_end (
    tenant    VARCHAR(64)  NOT NULL,
    change_id VARCHAR(255) NOT NULL,
    ended     VARCHAR(16)  NOT NULL,
    at        BIGINT       NOT NULL,
    PRIMARY KEY (tenant, change_id),
    KEY change_end_at (at)
);

-- A searchable copy of the links.
CREATE TABLE IF NOT EXISTS link_copy (
    tenant       VARCHAR(64)  NOT NULL,
    installation VARCHAR(64)  NOT NULL,
    pair         VARCHAR(64)  NOT NULL,
    link         VARCHAR(255) NOT NULL,
    left_record  VARCHAR(400) NOT NULL DEFAULT '',
    right_record VARCHAR(400) NOT NULL DEFAULT '',
    state        VARCHAR(16)  NOT NULL DEFAULT 'linked',
    linked_at    BIGINT       NOT NULL,
    updated_at   BIGINT       NOT NULL,
    PRIMARY KEY (tenant, installation, pair, link),
    KEY link_left (tenant, left_record),
    KEY link_right (tenant, right_record)
);

-- Sums per UTC day and installation (empty: of no single one).
CREATE TABLE IF NOT EXISTS counter (
    tenant       VARCHAR(64) NOT NULL,
    day          DATE        NOT NULL,
    installation VARCHAR(64) NOT NULL DEFAULT '',
    name         VARCHAR(64) NOT NULL,
    value        BIGINT      NOT NULL DEFAULT 0,
    PRIMARY KEY (tenant, day, installation, name)
);
