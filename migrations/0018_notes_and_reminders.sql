-- What auditors and administrators want remembered of a key. Added and never changed.
create table key_notes (
    id text primary key,
    account_id text not null references accounts (id),
    key_id text not null references api_keys (id),
    author_id text not null references users (id),
    body text not null,
    created_at bigint not null
);

create index key_notes_of_key on key_notes (account_id, key_id, created_at);

-- What somebody was told of a key without having asked, so that they are told once.
create table key_reminders (
    key_id text not null references api_keys (id),
    kind text not null,
    -- What it is about: the moment of the expiry, of the rotation that is due, or the beginning of the hour that stood out.
    at bigint not null,
    told_at bigint not null,
    primary key (key_id, kind, at)
);

create index key_reminders_of_the_past on key_reminders (told_at);

create index api_keys_by_expiry on api_keys (expires_at, id) where expires_at is not null and deleted_at is null;
create index api_keys_by_age_of_secret on api_keys (coalesce(rotated_at, created_at), id) where deleted_at is null;

-- Hours that may stand out; those with fewer requests never do.
create index usage_hours_that_count on usage_hours (hour, key_id) where ok + refused >= 100;

-- So that nobody's mailbox is filled.
create index errands_of_recipient on errands (recipient, kind, created_at);
