-- Events are added and never touched again.

create function refuse_change_of_audit_events() returns trigger
language plpgsql
as $$
begin
    raise exception 'audit events are append-only';
end
$$;

create trigger audit_events_are_not_changed before update or delete or truncate on audit_events
for each statement execute function refuse_change_of_audit_events();
