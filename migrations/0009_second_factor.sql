-- The authenticator app of a user: at most one.
create table authenticators (
    user_id text primary key references users (id),
    -- The shared secret (RFC 6238), encrypted under a key from outside the database, for this user only.
    sealed_secret text not null,
    created_at bigint not null,
    -- The step, of 30 seconds since the Unix epoch, of the newest code that was taken: it and older ones are refused.
    last_step bigint not null
);

create table recovery_codes (
    -- SHA-256 of 120 random bits.
    code_hash text primary key,
    user_id text not null references users (id),
    created_at bigint not null,
    spent_at bigint
);

create index recovery_codes_of_user on recovery_codes (user_id);

create table passkeys (
    id text primary key,
    user_id text not null references users (id),
    -- Base64url, as the browser names it.
    credential_id text not null unique,
    -- Public key, counter and flags, as JSON. Nothing in it signs in.
    credential text not null,
    name text not null,
    created_at bigint not null,
    last_used_at bigint
);

create index passkeys_of_user on passkeys (user_id);

-- How whoever signed in proved who they are: values of RFC 8176, blanks between.
alter table sessions add column amr text not null default 'pwd';

-- Since when everybody of the account needs a second factor; null if they do not.
alter table accounts add column two_factor_required_at bigint;
