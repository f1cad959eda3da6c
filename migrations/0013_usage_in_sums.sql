-- Refused requests of a UTC day by the reason: what stays when their hours are rolled up.
create table usage_refusal_days (
    key_id text not null references api_keys (id),
    day bigint not null,
    reason text not null,
    count bigint not null,
    primary key (key_id, day, reason)
);

insert into usage_refusal_days (key_id, day, reason, count)
select r.key_id, r.hour / 24, r.reason, cast(sum(r.count) as bigint)
from usage_refusals r
group by r.key_id, r.hour / 24, r.reason;

-- Requests with any key of an account, so that no page adds up its keys. The reason is empty for those that passed.
create table account_usage_hours (
    account_id text not null references accounts (id),
    hour bigint not null,
    reason text not null,
    count bigint not null,
    primary key (account_id, hour, reason)
);

create table account_usage_days (
    account_id text not null references accounts (id),
    day bigint not null,
    reason text not null,
    count bigint not null,
    primary key (account_id, day, reason)
);

insert into account_usage_hours (account_id, hour, reason, count)
select k.account_id, h.hour, '', cast(sum(h.ok) as bigint)
from usage_hours h
join api_keys k on k.id = h.key_id
group by k.account_id, h.hour;

insert into account_usage_hours (account_id, hour, reason, count)
select k.account_id, r.hour, r.reason, cast(sum(r.count) as bigint)
from usage_refusals r
join api_keys k on k.id = r.key_id
group by k.account_id, r.hour, r.reason;

insert into account_usage_days (account_id, day, reason, count)
select h.account_id, h.hour / 24, h.reason, cast(sum(h.count) as bigint)
from account_usage_hours h
group by h.account_id, h.hour / 24, h.reason;
