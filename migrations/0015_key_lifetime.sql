-- The account's own rule for new keys, tighter than the product's: the most days that one may live (null: as the product
-- says), and since when each must expire (null: as the product says).
alter table accounts add column longest_key_days bigint;
alter table accounts add column key_expiry_required_at bigint;
