-- When somebody was removed from their account; the row stays for the record. Their email_folded becomes their id, which no
-- address can be: the address is free again, and one address is still one user.
alter table users add column removed_at bigint;

create table invitations (
    id text primary key,
    account_id text not null references accounts (id),
    email text not null,
    email_folded text not null,
    role text not null,
    invited_by text not null references users (id),
    created_at bigint not null,
    expires_at bigint not null,
    -- SHA-256 of what the newest link holds; null until the first is mailed.
    token_hash text unique,
    accepted_at bigint,
    -- Withdrawn, or made void by a newer one.
    withdrawn_at bigint
);

create unique index invitations_open on invitations (account_id, email_folded)
where accepted_at is null and withdrawn_at is null;

-- The id of what the letter is composed from: an invitation, or a user. Empty where the recipient says it all.
alter table errands add column about text not null default '';
