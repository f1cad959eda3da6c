-- The generations of the key that session tokens are signed with. The keys themselves are derived from the secret file.
create table session_keys (
    generation bigint primary key,
    published_at bigint not null,
    signs_from bigint not null,
    -- The end of its verifying; null for the newest, which nothing follows yet.
    verifies_until bigint,
    -- When it was given up at once: no token of it counts from then on, whatever the clock of a node says.
    dropped_at bigint
);

-- The first has signed since before anybody wrote that down.
insert into session_keys (generation, published_at, signs_from)
values (1, 0, 0);

-- What a spent token and the secret file make its successor with; kept for as long as a lost answer is answered again.
alter table refresh_tokens add column successor_salt text;

create index refresh_tokens_in_grace on refresh_tokens (spent_at)
where successor_salt is not null;
