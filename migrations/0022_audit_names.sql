-- What the targets of an account's events are or were called, so that a search by name reads names and not events.
create table audit_names (
    account_id text not null references accounts (id),
    name text not null,
    name_folded text not null,
    -- Events that name it.
    events bigint not null,
    primary key (account_id, name)
);

insert into audit_names (account_id, name, name_folded, events)
select account_id, target_name, lower(target_name), count(*)
from audit_events
where target_name <> ''
group by account_id, target_name;

create index audit_events_of_name_by_time on audit_events (account_id, target_name, at, seq);
