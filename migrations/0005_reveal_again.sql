-- Secrets that the page can show again, where the product definition says so: each sealed under a key of its own, which
-- is wrapped under one that is not in the database.
create table kept_secrets (
    key_id text primary key references api_keys (id),
    account_id text not null references accounts (id),
    wrapped_key text not null,
    sealed text not null,
    created_at bigint not null
);

create index kept_secrets_of_account on kept_secrets (account_id, key_id);

-- When whoever is signed in last proved it. Null in what an older version wrote beside this one: then created_at is.
alter table sessions add column authenticated_at bigint;

update sessions
set authenticated_at = created_at;

-- Of ok: requests with the old secret of a key that was being rotated.
alter table usage_hours add column ok_old bigint not null default 0;
alter table usage_days add column ok_old bigint not null default 0;

-- Requests that passed with a secret, and those of them that came while it was retiring.
alter table api_key_secrets add column used bigint not null default 0;
alter table api_key_secrets add column used_retiring bigint not null default 0;
