-- Events are added and never touched again.

create trigger audit_events_are_not_updated before update on audit_events
begin
    select raise(abort, 'audit events are append-only');
end;

create trigger audit_events_are_not_deleted before delete on audit_events
begin
    select raise(abort, 'audit events are append-only');
end;

-- `insert or replace` would delete without the trigger above.
create trigger audit_events_are_not_replaced before insert on audit_events
when exists (
    select 1 from audit_events
    where (account_id = new.account_id and seq = new.seq)
    or id = new.id
)
begin
    select raise(abort, 'audit events are append-only');
end;

-- Without figures the planner takes every index that begins with the account for equally good. These say, in the form
-- that `analyze` would find, that a target, an address, an actor and an action each narrow a log, and that time alone
-- does not.
analyze sqlite_schema;

insert into sqlite_stat1 (tbl, idx, stat)
values
    ('audit_events', 'sqlite_autoindex_audit_events_1', '1000000 1'),
    ('audit_events', 'sqlite_autoindex_audit_events_2', '1000000 10000 1'),
    ('audit_events', 'audit_events_of_target', '1000000 10000 20 1'),
    ('audit_events', 'audit_events_by_time', '1000000 10000 2 1'),
    ('audit_events', 'audit_events_of_target_by_time', '1000000 10000 20 2 1'),
    ('audit_events', 'audit_events_from_address_by_time', '1000000 10000 200 2 1'),
    ('audit_events', 'audit_events_of_actor_by_time', '1000000 10000 500 2 1'),
    ('audit_events', 'audit_events_of_action_by_time', '1000000 10000 1000 2 1');
