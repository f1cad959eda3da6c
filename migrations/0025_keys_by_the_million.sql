-- The list of an account's keys, and how many of each status there are, whatever the account holds: each order and each
-- status is a range of an index. Tombstones stand apart, so that nobody reads through them, and what tells whether a key
-- works stands beside, so that counting reads no row.
drop index api_keys_in_use_order;
drop index api_keys_in_name_order;
drop index api_keys_by_creation;
drop index api_keys_in_end_order;

create index api_keys_in_use_order
on api_keys (account_id, (case when deleted_at is null then 0 else 1 end), use_order, id, end_order, paused_at);
create index api_keys_in_name_order
on api_keys (account_id, (case when deleted_at is null then 0 else 1 end), name_folded, id);
create index api_keys_by_creation
on api_keys (account_id, (case when deleted_at is null then 0 else 1 end), created_at, id);
create index api_keys_in_end_order
on api_keys (account_id, (case when deleted_at is null then 0 else 1 end), end_order, id, paused_at, retires_at);

create index api_keys_retiring on api_keys (account_id, retires_at, end_order, paused_at)
where retires_at is not null and deleted_at is null;
create index api_keys_paused on api_keys (account_id, end_order)
where paused_at is not null and deleted_at is null;
create index api_keys_unrevealed on api_keys (account_id, end_order)
where sealed_until is not null and revealed_at is null and deleted_at is null and paused_at is null;
create index api_keys_with_full_access on api_keys (account_id, end_order)
where scopes = '*' and deleted_at is null and paused_at is null;
create index api_keys_never_used on api_keys (account_id, created_at, end_order)
where last_used_at is null and deleted_at is null and paused_at is null;
create index api_keys_of_account_by_age_of_secret on api_keys (account_id, coalesce(rotated_at, created_at), end_order)
where deleted_at is null and paused_at is null;
create index api_keys_by_creator on api_keys (account_id, created_by, end_order, paused_at)
where deleted_at is null;
create index api_keys_by_first_use on api_keys (account_id, first_used_at)
where first_used_at is not null;
