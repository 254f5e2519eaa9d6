-- What the receiver's database user may see. Run by an administrator after the first `freshpipe migrate`, when the
-- user exists; safe to repeat.
GRANT SELECT ON freshpipe.webhook_endpoint TO 'freshpipe_hooks'@'%';
GRANT SELECT ON freshpipe.webhook_product TO 'freshpipe_hooks'@'%';
GRANT SELECT ON freshpipe.webhook_revision TO 'freshpipe_hooks'@'%';
