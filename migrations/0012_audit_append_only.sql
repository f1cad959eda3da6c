-- The record: what the account's head said when it last went to the log, and an index for each filter of the page. The
-- triggers that refuse every change of an event are written twice, beside this file.

alter table accounts add column checkpoint_seq bigint not null default 0;
alter table accounts add column checkpoint_at bigint not null default 0;

create index accounts_to_checkpoint on accounts (checkpoint_at) where audit_seq <> checkpoint_seq;

create index audit_events_by_time on audit_events (account_id, at, seq);
create index audit_events_of_target_by_time on audit_events (account_id, target_id, at, seq);
create index audit_events_of_actor_by_time on audit_events (account_id, actor_id, at, seq);
create index audit_events_of_action_by_time on audit_events (account_id, action, at, seq);
create index audit_events_from_address_by_time on audit_events (account_id, ip, at, seq);

