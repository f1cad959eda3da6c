-- Refused requests by their id, for thirty days: what support answers "why did this fail?" with. Never a secret, and of a
-- known key's no more than its last four characters.
create table refusals (
    request_id text primary key,
    at bigint not null,
    reason text not null,
    -- Whose key or session it was; both empty where nobody was known, the key's where it was a session.
    account_id text not null,
    key_id text not null,
    -- Of the secret that came, which may be an old one of the key.
    last4 text not null,
    method text not null,
    -- Without its query, and with … for whatever could be a secret.
    path text not null,
    ip text not null,
    user_agent text not null,
    -- What the request took: scopes and inboxes, with a space between two.
    scopes text not null,
    inboxes text not null,
    -- What the key had instead, or the rule that the request met: scopes, networks, an inbox, a moment, a limit.
    had text not null
);

create index refusals_by_time on refusals (at);
create index refusals_of_owner on refusals (account_id, at);
create index refusals_of_key on refusals (key_id, at);

-- Refused requests that came too fast to be kept one by one, by the hour.
create table refusals_not_kept (
    -- Hours since the Unix epoch.
    hour bigint primary key,
    count bigint not null
);

-- The end of a secret is what people can read out.
create index api_key_secrets_by_ending on api_key_secrets (last4);
