-- What the secret file is known by: made from it, and of no use in its place. Null until the first start that knows it.
alter table installation add column secret_check text;

-- In a backup: when it was made. Null in a database that serves.
alter table installation add column backup_at bigint;
