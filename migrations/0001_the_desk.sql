-- Times are microseconds since the Unix epoch; ids are made in Rust; the rules are in README.md.

-- Names this installation, so that a sealed secret opens nowhere else.
create table installation (
    -- Always 1: two nodes that start at once agree on one row.
    one bigint primary key,
    id text not null,
    created_at bigint not null
);

create table accounts (
    id text primary key,
    name text not null,
    created_at bigint not null,
    -- The head of the account's audit chain: the last sequence number and its MAC.
    audit_seq bigint not null default 0,
    audit_mac text not null default ''
);

create table users (
    id text primary key,
    account_id text not null references accounts (id),
    email text not null,
    -- The address in lower case: one person, one user.
    email_folded text not null unique,
    name text not null,
    role text not null,
    -- Argon2id in PHC form; none for somebody who signs in another way.
    password_hash text,
    staff_since bigint,
    created_at bigint not null,
    last_seen_at bigint
);

create index users_of_account on users (account_id, created_at);

-- A sign-in. The authority on whether a cookie, a session token or a refresh token still means anybody.
create table sessions (
    id text primary key,
    user_id text not null references users (id),
    -- browser or api.
    kind text not null,
    created_at bigint not null,
    last_seen_at bigint not null,
    -- The end that activity cannot move.
    expires_at bigint not null,
    remembered boolean not null,
    ended_at bigint,
    ip text not null,
    user_agent text not null
);

create index sessions_of_user on sessions (user_id, created_at);

-- The tower-sessions records, keyed by the SHA-256 of the cookie's id: reading this table is not signing in.
create table web_sessions (
    id_hash text primary key,
    data text not null,
    expires_at bigint not null
);

create table refresh_tokens (
    token_hash text primary key,
    session_id text not null references sessions (id),
    created_at bigint not null,
    expires_at bigint not null,
    -- A spent token that comes again ends its session: somebody copied it.
    spent_at bigint
);

create table inboxes (
    id text primary key,
    account_id text not null references accounts (id),
    name text not null,
    name_folded text not null,
    address text not null,
    created_at bigint not null,
    deleted_at bigint
);

create unique index inboxes_by_name on inboxes (account_id, name_folded) where deleted_at is null;

create table api_keys (
    id text primary key,
    account_id text not null references accounts (id),
    name text not null,
    -- What search and uniqueness compare: lower case by Unicode, made in Rust.
    name_folded text not null,
    key_type text not null,
    environment text not null,
    inbox_id text references inboxes (id),
    -- Scope ids with a space between two, or * for all.
    scopes text not null,
    -- CIDRs, a line each; empty means anywhere.
    allowed_ips text not null,
    -- Of the current secret: what it starts with and its last four characters.
    prefix text not null,
    last4 text not null,
    created_at bigint not null,
    created_by text references users (id),
    expires_at bigint,
    -- The span between issue and expiry, in microseconds: a rotation gives it anew.
    expires_after bigint,
    paused_at bigint,
    deleted_at bigint,
    deleted_by text references users (id),
    rotated_at bigint,
    -- When the secret before the current one stops working.
    retires_at bigint,
    -- Of the current secret: until when it waits sealed, and who revealed it.
    sealed_until bigint,
    revealed_at bigint,
    revealed_by text references users (id),
    revealed_ip text,
    last_used_at bigint,
    last_used_ip text,
    first_used_at bigint,
    -- The first request that passed, as JSON, for the first screen.
    first_request text
);

create unique index api_keys_by_name on api_keys (account_id, environment, name_folded) where deleted_at is null;
create index api_keys_by_use on api_keys (account_id, last_used_at, id);
create index api_keys_by_creation on api_keys (account_id, created_at, id);
create index api_keys_of_inbox on api_keys (inbox_id) where inbox_id is not null;

-- HMACs of secrets under a pepper that is not in the database. A key has one, and an old one while it retires.
create table api_key_secrets (
    secret_hash text primary key,
    key_id text not null references api_keys (id),
    pepper_version bigint not null,
    last4 text not null,
    created_at bigint not null,
    -- When this secret stops working; none for the current one.
    dies_at bigint,
    last_used_at bigint,
    last_used_ip text
);

create index api_key_secrets_of_key on api_key_secrets (key_id);

-- Secrets that nobody has revealed yet, encrypted; the row is consumed by the reveal.
create table sealed_secrets (
    key_id text primary key references api_keys (id),
    account_id text not null references accounts (id),
    sealed text not null,
    expires_at bigint not null
);

-- Requests that may come twice and must happen once: forms by their id, programs by a digest of their Idempotency-Key.
create table idempotency_keys (
    account_id text not null references accounts (id),
    key text not null,
    -- A digest of what was asked for: the same key with another request is a mistake of the caller.
    request text not null,
    resource_id text not null,
    created_at bigint not null,
    primary key (account_id, key)
);

create table usage_hours (
    key_id text not null references api_keys (id),
    -- Hours since the Unix epoch.
    hour bigint not null,
    ok bigint not null,
    refused bigint not null,
    primary key (key_id, hour)
);

-- The same counts by UTC day, so that a list of fifty sparklines is one short read.
create table usage_days (
    key_id text not null references api_keys (id),
    -- Days since the Unix epoch.
    day bigint not null,
    ok bigint not null,
    refused bigint not null,
    primary key (key_id, day)
);

create table usage_addresses (
    key_id text not null references api_keys (id),
    ip text not null,
    last_seen_at bigint not null,
    primary key (key_id, ip)
);

create table audit_events (
    account_id text not null references accounts (id),
    seq bigint not null,
    id text not null unique,
    at bigint not null,
    action text not null,
    actor_kind text not null,
    actor_id text not null,
    actor_name text not null,
    actor_role text not null,
    session_id text not null,
    ip text not null,
    user_agent text not null,
    request_id text not null,
    target_id text not null,
    target_name text not null,
    detail text not null,
    mac text not null,
    primary key (account_id, seq)
);

create index audit_events_of_target on audit_events (account_id, target_id, seq);
