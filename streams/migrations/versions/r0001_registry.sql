-- Who uses us and how. Ids are ours; texts keep their exact form, so JSON is kept as text (a JSON column reorders keys and
-- rounds numbers). Times are ms since the epoch, UTC.

CREATE TABLE IF NOT EXISTS revision (
    id     TINYINT NOT NULL PRIMARY KEY,
    number BIGINT  NOT NULL
);

INSERT IGNORE INTO revision (id, number) VALUES (1, 1);

CREATE TABLE IF NOT EXISTS tenant (
    id         VARCHAR(64)  NOT NULL PRIMARY KEY,
    name       VARCHAR(255) NOT NULL,
    created_at BIGINT       NOT NULL
);

-- `credentials`: JSON object, secret name -> sealed text. `webhook_token`: sealed, so that the console can show the address;
-- `token_hash`: its SHA-256 in hex, by which the receiver looks it up.
CREATE TABLE IF NOT EXISTS connection (
    tenant        VARCHAR(64)  NOT NULL,
    id            VARCHAR(64)  NOT NULL,
    product       VARCHAR(64)  NOT NULL,
    base_url      VARCHAR(512) NOT NULL,
    account       VARCHAR(255) NOT NULL DEFAULT '',
    config        MEDIUMTEXT   NOT NULL,
    guard         VARCHAR(16)  NOT NULL DEFAULT 'always',
    state         VARCHAR(16)  NOT NULL DEFAULT 'active',
    reason        VARCHAR(500) NOT NULL DEFAULT '',
    credentials   MEDIUMTEXT   NOT NULL,
    token_hash    CHAR(64)     NOT NULL,
    webhook_token VARCHAR(512) NOT NULL,
    created_at    BIGINT       NOT NULL,
    updated_at    BIGINT       NOT NULL,
    PRIMARY KEY (tenant, id),
    UNIQUE KEY connection_id (id),
    UNIQUE KEY connection_token (token_hash),
    KEY connection_account (product, account),
    CONSTRAINT connection_tenant FOREIGN KEY (tenant) REFERENCES tenant (id)
);

-- Several rows of one name are several active secrets: a rotation under way.
CREATE TABLE IF NOT EXISTS webhook_secret (
    tenant     VARCHAR(64) NOT NULL,
    connection VARCHAR(64) NOT NULL,
    name       VARCHAR(64) NOT NULL,
    id         VARCHAR(64) NOT NULL,
    sealed     TEXT        NOT NULL,
    created_at BIGINT      NOT NULL,
    PRIMARY KEY (tenant, connection, name, id),
    CONSTRAINT webhook_secret_connection FOREIGN KEY (tenant, connection) REFERENCES connection (tenant, id) ON DELETE CASCADE
);

-- Of a product whose hooks are signed with our app's secret, for all tenants alike.
CREATE TABLE IF NOT EXISTS product_secret (
    product    VARCHAR(64) NOT NULL,
    name       VARCHAR(64) NOT NULL,
    id         VARCHAR(64) NOT NULL,
    sealed     TEXT        NOT NULL,
    created_at BIGINT      NOT NULL,
    PRIMARY KEY (product, name, id)
);

-- The connector documents as they run, for the processes that must not import the connectors.
CREATE TABLE IF NOT EXISTS connector_document (
    product      VARCHAR(64) NOT NULL PRIMARY KEY,
    version      VARCHAR(32) NOT NULL,
    digest       CHAR(64)    NOT NULL,
    document     MEDIUMTEXT  NOT NULL,
    published_at BIGINT      NOT NULL
);

-- `tenant` is empty for an app that everybody may install. A version never changes once it is here.
CREATE TABLE IF NOT EXISTS app_version (
    tenant       VARCHAR(64) NOT NULL,
    app          VARCHAR(64) NOT NULL,
    version      VARCHAR(32) NOT NULL,
    digest       CHAR(64)    NOT NULL,
    document     MEDIUMTEXT  NOT NULL,
    published_at BIGINT      NOT NULL,
    PRIMARY KEY (tenant, app, version)
);

CREATE TABLE IF NOT EXISTS installation (
    tenant           VARCHAR(64) NOT NULL,
    id               VARCHAR(64) NOT NULL,
    app              VARCHAR(64) NOT NULL,
    version          VARCHAR(32) NOT NULL,
    left_connection  VARCHAR(64) NOT NULL,
    right_connection VARCHAR(64) NOT NULL,
    state            VARCHAR(16) NOT NULL DEFAULT 'linking',
    settings         MEDIUMTEXT  NOT NULL,
    overrides        MEDIUMTEXT  NOT NULL,
    created_at       BIGINT      NOT NULL,
    updated_at       BIGINT      NOT NULL,
    PRIMARY KEY (tenant, id),
    UNIQUE KEY installation_id (id),
    CONSTRAINT installation_left FOREIGN KEY (tenant, left_connection) REFERENCES connection (tenant, id),
    CONSTRAINT installation_right FOREIGN KEY (tenant, right_connection) REFERENCES connection (tenant, id)
);

-- The fields that a connection's account has of its own, as its product described them.
CREATE TABLE IF NOT EXISTS discovered (
    tenant        VARCHAR(64) NOT NULL,
    connection    VARCHAR(64) NOT NULL,
    entity        VARCHAR(64) NOT NULL,
    fields        MEDIUMTEXT  NOT NULL,
    discovered_at BIGINT      NOT NULL,
    PRIMARY KEY (tenant, connection, entity),
    CONSTRAINT discovered_connection FOREIGN KEY (tenant, connection) REFERENCES connection (tenant, id) ON DELETE CASCADE
);
