
alter table api_keys add column use_order bigint not null generated always as (coalesce(last_used_at, 0)) virtual;
alter table api_keys add column end_order bigint not null
    generated always as (coalesce(expires_at, 9223372036854775807)) virtual;

create index api_keys_in_use_order on api_keys (account_id, use_order, id);
create index api_keys_in_end_order on api_keys (account_id, end_order, id);
