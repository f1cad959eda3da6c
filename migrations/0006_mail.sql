-- What is to be written to somebody. A row says whom and about what; the letter is composed when it is sent, so no link
-- that opens anything ever lies here.
create table errands (
    id text primary key,
    kind text not null,
    -- What it is about: sending about the same thing twice is refused.
    event text not null unique,
    recipient text not null,
    created_at bigint not null,
    -- When it may be tried, or tried again.
    due_at bigint not null,
    tries bigint not null,
    -- When it was sent, or came to nothing because nobody has the address.
    done_at bigint,
    given_up_at bigint,
    -- Why the last try failed, in the mail server's words.
    problem text not null
);

create index errands_due on errands (due_at) where done_at is null and given_up_at is null;
create index errands_of_the_past on errands (created_at);

-- Links that were mailed. Only the SHA-256 of what the link holds.
create table mailed_links (
    token_hash text primary key,
    -- reset or verify.
    kind text not null,
    user_id text not null references users (id),
    created_at bigint not null,
    expires_at bigint not null,
    -- Used, or made void by a newer one.
    used_at bigint
);

create index mailed_links_of_user on mailed_links (user_id, kind);

-- When its owner proved the address: by a mailed link.
alter table users add column email_verified_at bigint;
alter table users add column password_changed_at bigint;
