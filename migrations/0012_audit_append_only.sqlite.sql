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
