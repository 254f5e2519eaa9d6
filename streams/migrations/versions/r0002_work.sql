-- What is to be done, and what was begun. Times are ms since the epoch, UTC; a record is its text form connection/entity/id.

-- A recurring or resumable task. Free if `leased_until` is past; lease it with SELECT ... FOR UPDATE SKIP LOCKED.
-- `installation`, `pair`: empty for a poll, which serves all installations of the connection.
CREATE TABLE IF NOT EXISTS work (
    tenant       VARCHAR(64) NOT NULL,
    connection   VARCHAR(64) NOT NULL,
    entity       VARCHAR(64) NOT NULL,
    kind         VARCHAR(16) NOT NULL,
    installation VARCHAR(64) NOT NULL DEFAULT '',
    pair         VARCHAR(64) NOT NULL DEFAULT '',
    page_cursor  TEXT        NULL,
    watermark    BIGINT      NOT NULL DEFAULT 0,
    next_at      BIGINT      NOT NULL,
    leased_by    VARCHAR(64) NOT NULL DEFAULT '',
    leased_until BIGINT      NOT NULL DEFAULT 0,
    done         TINYINT     NOT NULL DEFAULT 0,
    failures     INT         NOT NULL DEFAULT 0,
    progress     MEDIUMTEXT  NOT NULL,
    PRIMARY KEY (tenant, connection, entity, kind, installation, pair),
    KEY work_next (done, next_at)
);

-- The records that a backfill's first phase met, for its second phase.
CREATE TABLE IF NOT EXISTS backfill_record (
    tenant       VARCHAR(64)  NOT NULL,
    installation VARCHAR(64)  NOT NULL,
    pair         VARCHAR(64)  NOT NULL,
    side         VARCHAR(5)   NOT NULL,
    record       VARCHAR(400) NOT NULL,
    done         TINYINT      NOT NULL DEFAULT 0,
    PRIMARY KEY (tenant, installation, pair, side, record),
    KEY backfill_open (tenant, installation, done)
);

-- What is to be put on a topic later. A repeated id is absorbed. `payload`: a Due message as JSON.
CREATE TABLE IF NOT EXISTS due (
    tenant       VARCHAR(64)  NOT NULL,
    id           VARCHAR(255) NOT NULL,
    at           BIGINT       NOT NULL,
    payload      MEDIUMTEXT   NOT NULL,
    leased_until BIGINT       NOT NULL DEFAULT 0,
    PRIMARY KEY (tenant, id),
    KEY due_at (at)
);

-- The ledger of creates: a row stands before the call is made. `state`: intent, sent, confirmed, ambiguous, failed.
CREATE TABLE IF NOT EXISTS intent (
    tenant       VARCHAR(64)  NOT NULL,
    link         VARCHAR(255) NOT NULL,
    side         VARCHAR(5)   NOT NULL,
    installation VARCHAR(64)  NOT NULL,
    pair         VARCHAR(64)  NOT NULL,
    record       VARCHAR(400) NOT NULL,
    sequence     BIGINT       NOT NULL,
    state        VARCHAR(16)  NOT NULL,
    attempt      INT          NOT NULL DEFAULT 0,
    created_id   VARCHAR(255) NULL,
    message      VARCHAR(500) NOT NULL DEFAULT '',
    sent_at      BIGINT       NOT NULL DEFAULT 0,
    created_at   BIGINT       NOT NULL,
    updated_at   BIGINT       NOT NULL,
    PRIMARY KEY (tenant, link, side),
    KEY intent_state (tenant, state, updated_at)
);
