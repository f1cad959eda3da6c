-- The orders of the list of keys, each whole in an index, so that a page is read from where it begins. What may be empty
-- stands in a column that never is, which the database keeps: a key never used before all others, one that never expires
-- behind them.
drop index api_keys_by_use;

create index api_keys_in_name_order on api_keys (account_id, name_folded, id);
