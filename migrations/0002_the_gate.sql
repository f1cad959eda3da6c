-- What a key was last used with and for, as the gate was told.
alter table api_keys add column last_used_agent text;
alter table api_keys add column last_used_route text;

-- Refused requests of an hour by the reason; their sum is usage_hours.refused.
create table usage_refusals (
    key_id text not null references api_keys (id),
    hour bigint not null,
    reason text not null,
    count bigint not null,
    primary key (key_id, hour, reason)
);
