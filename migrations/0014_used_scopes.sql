-- When a request that passed last took a scope of a key: one row per scope that was ever used.
create table usage_scopes (
    key_id text not null references api_keys (id),
    scope text not null,
    last_used_at bigint not null,
    primary key (key_id, scope)
);

-- Since when that is written down. Before it, a scope without a row is not one that nobody used.
alter table installation add column scopes_counted_since bigint;

-- Whose keys have lost their owner.
create index users_removed on users (account_id, id)
where removed_at is not null;
