-- Whose usage it is, so that an account's hours and days are one range of an index, read from its newest end. Null in
-- what an older version wrote beside this one.
alter table usage_hours add column account_id text references accounts (id);
alter table usage_days add column account_id text references accounts (id);

update usage_hours
set account_id = (select k.account_id from api_keys k where k.id = usage_hours.key_id);

update usage_days
set account_id = (select k.account_id from api_keys k where k.id = usage_days.key_id);

create index usage_hours_of_account on usage_hours (account_id, hour, key_id);
create index usage_days_of_account on usage_days (account_id, day, key_id);
