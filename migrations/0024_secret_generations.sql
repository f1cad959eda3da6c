-- Generations of the secret file. The newest is the installation's own; what was made with an older one says so, until it
-- is made anew. Everything from before this was made with the first.
alter table installation add column secret_version bigint not null default 1;

create table former_secret_files (
    version bigint primary key,
    -- What the file is known by, as in installation.secret_check.
    secret_check text not null,
    -- The key that audit events were recorded under, encrypted under the newest secret file; null if it was lost.
    audit_key text,
    replaced_at bigint not null,
    -- Since when nothing made with it counts; null while it stands beside the newest.
    retired_at bigint
);

-- The generation that the newest event of the account was recorded under: none is recorded under an older one behind it.
alter table accounts add column audit_version bigint not null default 1;

alter table sealed_secrets add column secret_version bigint not null default 1;
alter table kept_secrets add column secret_version bigint not null default 1;
alter table authenticators add column secret_version bigint not null default 1;

-- The hash under the generation before, while there are two: by it, nodes that know only that one find the secret.
alter table api_key_secrets add column old_hash text;

create unique index api_key_secrets_by_old_hash on api_key_secrets (old_hash) where old_hash is not null;
