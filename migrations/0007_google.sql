-- Sign-ins on their way to the issuer and back. Only hashes of what the browser and the link bring back.
create table oidc_transactions (
    -- SHA-256 of what the browser holds.
    browser_hash text primary key,
    state_hash text not null,
    nonce_hash text not null,
    -- The PKCE verifier, encrypted: the issuer wants to see it.
    sealed_verifier text not null,
    -- Where on this site it leads; empty for the first screen.
    next text not null,
    -- The session that it is to be connected to; empty for a sign-in.
    session_id text not null,
    created_at bigint not null,
    expires_at bigint not null
);

create index oidc_transactions_of_the_past on oidc_transactions (expires_at);

-- Who somebody is elsewhere. The address is what the issuer said when it was connected; it decides nothing.
create table identities (
    issuer text not null,
    subject text not null,
    user_id text not null references users (id),
    email text not null,
    created_at bigint not null,
    last_used_at bigint not null,
    primary key (issuer, subject)
);

-- One of an issuer for each user: an address that changed hands there does not bring its new owner in here.
create unique index identities_of_user on identities (user_id, issuer);
