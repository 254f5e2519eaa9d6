-- All that the receiver's own user may read: no API credential, and only the webhook secrets, sealed with their own key.

CREATE OR REPLACE SQL SECURITY DEFINER VIEW webhook_endpoint AS
SELECT c.token_hash, c.tenant, c.id AS connection, c.product, c.account, s.name AS secret_name, s.sealed AS sealed_secret
FROM connection c LEFT JOIN webhook_secret s ON s.tenant = c.tenant AND s.connection = c.id;

CREATE OR REPLACE SQL SECURITY DEFINER VIEW webhook_product AS
SELECT d.product, d.document, s.name AS secret_name, s.sealed AS sealed_secret
FROM connector_document d LEFT JOIN product_secret s ON s.product = d.product;

CREATE OR REPLACE SQL SECURITY DEFINER VIEW webhook_revision AS
SELECT number FROM revision WHERE id = 1;
