-- Devices that somebody signed in with. Knowing one opens nothing: it has tries of its own at their password, and a
-- sign-in on it is no news.
create table devices (
    -- Of a browser, the SHA-256 of what its cookie holds; of a program, of its name and its network.
    token_hash text not null,
    -- One browser can be known to several people.
    user_id text not null references users (id),
    -- browser or program.
    kind text not null,
    created_at bigint not null,
    -- When they last signed in with it.
    last_seen_at bigint not null,
    user_agent text not null,
    -- The session that was last started on it; null if it was made known by a link.
    session_id text,
    primary key (token_hash, user_id)
);

create index devices_of_user on devices (user_id, kind, last_seen_at);
create index devices_of_session on devices (session_id) where session_id is not null;
create index devices_of_the_past on devices (last_seen_at);
