

CREATE FUNCTION refuse_change_of_audit_events() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
    raise exception 'audit events are append-only';
end
$$;

CREATE TABLE _sqlx_migrations (
    version bigint NOT NULL,
    description text NOT NULL,
    installed_on timestamp with time zone DEFAULT now() NOT NULL,
    success boolean NOT NULL,
    checksum bytea NOT NULL,
    execution_time bigint NOT NULL
);

CREATE TABLE account_usage_days (
    account_id text NOT NULL,
    day bigint NOT NULL,
    reason text NOT NULL,
    count bigint NOT NULL
);

CREATE TABLE account_usage_hours (
    account_id text NOT NULL,
    hour bigint NOT NULL,
    reason text NOT NULL,
    count bigint NOT NULL
);

CREATE TABLE accounts (
    id text NOT NULL,
    name text NOT NULL,
    created_at bigint NOT NULL,
    audit_seq bigint DEFAULT 0 NOT NULL,
    audit_mac text DEFAULT ''::text NOT NULL,
    two_factor_required_at bigint,
    checkpoint_seq bigint DEFAULT 0 NOT NULL,
    checkpoint_at bigint DEFAULT 0 NOT NULL,
    longest_key_days bigint,
    key_expiry_required_at bigint
);

CREATE TABLE api_key_secrets (
    secret_hash text NOT NULL,
    key_id text NOT NULL,
    pepper_version bigint NOT NULL,
    last4 text NOT NULL,
    created_at bigint NOT NULL,
    dies_at bigint,
    last_used_at bigint,
    last_used_ip text,
    used bigint DEFAULT 0 NOT NULL,
    used_retiring bigint DEFAULT 0 NOT NULL
);

CREATE TABLE api_keys (
    id text NOT NULL,
    account_id text NOT NULL,
    name text NOT NULL,
    name_folded text NOT NULL,
    key_type text NOT NULL,
    environment text NOT NULL,
    inbox_id text,
    scopes text NOT NULL,
    allowed_ips text NOT NULL,
    prefix text NOT NULL,
    last4 text NOT NULL,
    created_at bigint NOT NULL,
    created_by text,
    expires_at bigint,
    expires_after bigint,
    paused_at bigint,
    deleted_at bigint,
    deleted_by text,
    rotated_at bigint,
    retires_at bigint,
    sealed_until bigint,
    revealed_at bigint,
    revealed_by text,
    revealed_ip text,
    last_used_at bigint,
    last_used_ip text,
    first_used_at bigint,
    first_request text,
    last_used_agent text,
    last_used_route text
);

CREATE TABLE audit_events (
    account_id text NOT NULL,
    seq bigint NOT NULL,
    id text NOT NULL,
    at bigint NOT NULL,
    action text NOT NULL,
    actor_kind text NOT NULL,
    actor_id text NOT NULL,
    actor_name text NOT NULL,
    actor_role text NOT NULL,
    session_id text NOT NULL,
    ip text NOT NULL,
    user_agent text NOT NULL,
    request_id text NOT NULL,
    target_id text NOT NULL,
    target_name text NOT NULL,
    detail text NOT NULL,
    mac text NOT NULL
);

CREATE TABLE authenticators (
    user_id text NOT NULL,
    sealed_secret text NOT NULL,
    created_at bigint NOT NULL,
    last_step bigint NOT NULL
);

CREATE TABLE devices (
    token_hash text NOT NULL,
    user_id text NOT NULL,
    kind text NOT NULL,
    created_at bigint NOT NULL,
    last_seen_at bigint NOT NULL,
    user_agent text NOT NULL,
    session_id text
);

CREATE TABLE errands (
    id text NOT NULL,
    kind text NOT NULL,
    event text NOT NULL,
    recipient text NOT NULL,
    created_at bigint NOT NULL,
    due_at bigint NOT NULL,
    tries bigint NOT NULL,
    done_at bigint,
    given_up_at bigint,
    problem text NOT NULL,
    about text DEFAULT ''::text NOT NULL
);

CREATE TABLE idempotency_keys (
    account_id text NOT NULL,
    key text NOT NULL,
    request text NOT NULL,
    resource_id text NOT NULL,
    created_at bigint NOT NULL
);

CREATE TABLE identities (
    issuer text NOT NULL,
    subject text NOT NULL,
    user_id text NOT NULL,
    email text NOT NULL,
    created_at bigint NOT NULL,
    last_used_at bigint NOT NULL
);

CREATE TABLE inboxes (
    id text NOT NULL,
    account_id text NOT NULL,
    name text NOT NULL,
    name_folded text NOT NULL,
    address text NOT NULL,
    created_at bigint NOT NULL,
    deleted_at bigint
);

CREATE TABLE installation (
    one bigint NOT NULL,
    id text NOT NULL,
    created_at bigint NOT NULL,
    scopes_counted_since bigint
);

CREATE TABLE invitations (
    id text NOT NULL,
    account_id text NOT NULL,
    email text NOT NULL,
    email_folded text NOT NULL,
    role text NOT NULL,
    invited_by text NOT NULL,
    created_at bigint NOT NULL,
    expires_at bigint NOT NULL,
    token_hash text,
    accepted_at bigint,
    withdrawn_at bigint
);

CREATE TABLE kept_secrets (
    key_id text NOT NULL,
    account_id text NOT NULL,
    wrapped_key text NOT NULL,
    sealed text NOT NULL,
    created_at bigint NOT NULL
);

CREATE TABLE key_notes (
    id text NOT NULL,
    account_id text NOT NULL,
    key_id text NOT NULL,
    author_id text NOT NULL,
    body text NOT NULL,
    created_at bigint NOT NULL
);

CREATE TABLE key_reminders (
    key_id text NOT NULL,
    kind text NOT NULL,
    at bigint NOT NULL,
    told_at bigint NOT NULL
);

CREATE TABLE mailed_links (
    token_hash text NOT NULL,
    kind text NOT NULL,
    user_id text NOT NULL,
    created_at bigint NOT NULL,
    expires_at bigint NOT NULL,
    used_at bigint
);

CREATE TABLE oidc_transactions (
    browser_hash text NOT NULL,
    state_hash text NOT NULL,
    nonce_hash text NOT NULL,
    sealed_verifier text NOT NULL,
    next text NOT NULL,
    session_id text NOT NULL,
    created_at bigint NOT NULL,
    expires_at bigint NOT NULL
);

CREATE TABLE passkeys (
    id text NOT NULL,
    user_id text NOT NULL,
    credential_id text NOT NULL,
    credential text NOT NULL,
    name text NOT NULL,
    created_at bigint NOT NULL,
    last_used_at bigint
);

CREATE TABLE recovery_codes (
    code_hash text NOT NULL,
    user_id text NOT NULL,
    created_at bigint NOT NULL,
    spent_at bigint
);

CREATE TABLE refresh_tokens (
    token_hash text NOT NULL,
    session_id text NOT NULL,
    created_at bigint NOT NULL,
    expires_at bigint NOT NULL,
    spent_at bigint,
    successor_salt text
);

CREATE TABLE refusals (
    request_id text NOT NULL,
    at bigint NOT NULL,
    reason text NOT NULL,
    account_id text NOT NULL,
    key_id text NOT NULL,
    last4 text NOT NULL,
    method text NOT NULL,
    path text NOT NULL,
    ip text NOT NULL,
    user_agent text NOT NULL,
    scopes text NOT NULL,
    inboxes text NOT NULL,
    had text NOT NULL
);

CREATE TABLE refusals_not_kept (
    hour bigint NOT NULL,
    count bigint NOT NULL
);

CREATE TABLE sealed_secrets (
    key_id text NOT NULL,
    account_id text NOT NULL,
    sealed text NOT NULL,
    expires_at bigint NOT NULL
);

CREATE TABLE secret_prefixes (
    prefix text NOT NULL,
    first_issued_at bigint NOT NULL
);

CREATE TABLE session_keys (
    generation bigint NOT NULL,
    published_at bigint NOT NULL,
    signs_from bigint NOT NULL,
    verifies_until bigint,
    dropped_at bigint
);

CREATE TABLE sessions (
    id text NOT NULL,
    user_id text NOT NULL,
    kind text NOT NULL,
    created_at bigint NOT NULL,
    last_seen_at bigint NOT NULL,
    expires_at bigint NOT NULL,
    remembered boolean NOT NULL,
    ended_at bigint,
    ip text NOT NULL,
    user_agent text NOT NULL,
    authenticated_at bigint,
    amr text DEFAULT 'pwd'::text NOT NULL
);

CREATE TABLE usage_addresses (
    key_id text NOT NULL,
    ip text NOT NULL,
    last_seen_at bigint NOT NULL
);

CREATE TABLE usage_days (
    key_id text NOT NULL,
    day bigint NOT NULL,
    ok bigint NOT NULL,
    refused bigint NOT NULL,
    account_id text,
    ok_old bigint DEFAULT 0 NOT NULL
);

CREATE TABLE usage_hours (
    key_id text NOT NULL,
    hour bigint NOT NULL,
    ok bigint NOT NULL,
    refused bigint NOT NULL,
    account_id text,
    ok_old bigint DEFAULT 0 NOT NULL
);

CREATE TABLE usage_refusal_days (
    key_id text NOT NULL,
    day bigint NOT NULL,
    reason text NOT NULL,
    count bigint NOT NULL
);

CREATE TABLE usage_refusals (
    key_id text NOT NULL,
    hour bigint NOT NULL,
    reason text NOT NULL,
    count bigint NOT NULL
);

CREATE TABLE usage_scopes (
    key_id text NOT NULL,
    scope text NOT NULL,
    last_used_at bigint NOT NULL
);

CREATE TABLE users (
    id text NOT NULL,
    account_id text NOT NULL,
    email text NOT NULL,
    email_folded text NOT NULL,
    name text NOT NULL,
    role text NOT NULL,
    password_hash text,
    staff_since bigint,
    created_at bigint NOT NULL,
    last_seen_at bigint,
    email_verified_at bigint,
    password_changed_at bigint,
    removed_at bigint
);

CREATE TABLE web_sessions (
    id_hash text NOT NULL,
    data text NOT NULL,
    expires_at bigint NOT NULL
);

INSERT INTO _sqlx_migrations VALUES (1, 'the desk', '2026-11-21 21:45:50.497027+00', true, '\x4e76329ea00bdd0d735385b23fb086842e4a3baf863615a41f1b53db41b0b9b79b86f0d3417a51a51f2694f4ebad4dca', 31354974);
INSERT INTO _sqlx_migrations VALUES (2, 'the gate', '2026-11-21 21:45:50.529033+00', true, '\xecbb88cffe5b106f097d76617ee54c36b98b5a00b223ebcc696e3e52d9ec18b966a0466e6dbff62667ca145b4c653961', 7097066);
INSERT INTO _sqlx_migrations VALUES (3, 'usage of an account', '2026-11-21 21:45:50.536353+00', true, '\x7c5e7d368b3a47b3ee191cd524a0bcbe62794b06d08ae1a45b09fc2170afabfa0b824c10d73ff650e6b5167691bf007a', 1900809);
INSERT INTO _sqlx_migrations VALUES (4, 'secret prefixes', '2026-11-21 21:45:50.538429+00', true, '\xbcb0223c78dbd3474dcf6e62b9e6d671fd9977e01fc503ae82e13bf9a7d971c4a7b74136bd70b51b16e20ab00b5d302c', 5331097);
INSERT INTO _sqlx_migrations VALUES (5, 'reveal again', '2026-11-21 21:45:50.543947+00', true, '\x73293aae40ebd223e105d71494fa3970cb3fcca42a24ae2cd52364636c5701458ab702ae3fcb94cde6d2e789b09fe298', 2128476);
INSERT INTO _sqlx_migrations VALUES (6, 'mail', '2026-11-21 21:45:50.546268+00', true, '\x45b0f311d2bd79811dbeaab67e2b933725521bd449f7ac69f462308da11e412986cbe3c2bcfe268d4afeeb52b94ffeb8', 6295597);
INSERT INTO _sqlx_migrations VALUES (7, 'google', '2026-11-21 21:45:50.552783+00', true, '\x2d31bf06971a5d46a236e4f32c04d0ee3828205f9f2bdefb99a4f154dd864c3c365783cd5fca186f9433659f517ac5d4', 7551901);
INSERT INTO _sqlx_migrations VALUES (8, 'team', '2026-11-21 21:45:50.560585+00', true, '\x4b0507db7a1d829d2d36f351e0c0ebe753e00347a3616d9b5a901fcd6e32ea5c726b807a152f5d9aea7321b2aab0db71', 2434060);
INSERT INTO _sqlx_migrations VALUES (9, 'second factor', '2026-11-21 21:45:50.563188+00', true, '\xa3dff6bf2ceb8d290d65496b29b14bb84941ea354cb28fe087bb860538d96825b3352e2316c6ad9e73a7d9f9f4743038', 9191683);
INSERT INTO _sqlx_migrations VALUES (10, 'session keys', '2026-11-21 21:45:50.572894+00', true, '\x3c3309c911fa2fdd78bb8b72d44acab038dcabd9d502afaa5a3c24aaa708fbfa740094fcf2b5cb939e77881257707079', 1782234);
INSERT INTO _sqlx_migrations VALUES (11, 'devices', '2026-11-21 21:45:50.574836+00', true, '\x0ab4a3144364c9a2baae10378b53dfffbdc4fbd8d86e46e5cba14552af73d0e305c10f4006905291d88aa89b353420c0', 5020726);
INSERT INTO _sqlx_migrations VALUES (12, 'audit append only', '2026-11-21 21:45:50.58004+00', true, '\xac289874b1105545eb16dd628760187aaf222b4b91dce0a0702e996c731cdc1cd687bb009f2cd8663dcd17e872bc4f6b', 7733480);
INSERT INTO _sqlx_migrations VALUES (13, 'usage in sums', '2026-11-21 21:45:50.587976+00', true, '\xd78afd7cab81bf680426a3e370b9732039371ad326862ff2b326ee020aa3eefe5eab86b81bc6018b3620d79b6e80dbbb', 6433472);
INSERT INTO _sqlx_migrations VALUES (14, 'used scopes', '2026-11-21 21:45:50.59844+00', true, '\xcdebd129ecf312a2bec215fd9983850da0247b4c59d78063068e00be8f5762449a6fc950cbac80c5e6f901407a4f0ea0', 1975890);
INSERT INTO _sqlx_migrations VALUES (15, 'key lifetime', '2026-11-21 21:45:50.600577+00', true, '\x71d3e42ec08c842ba21602c6ee40b838bd6a0e8b00ff557d09f1a2e2474b2b051a12d4dc578e9fd3c2d879a7ef25b07d', 513892);
INSERT INTO _sqlx_migrations VALUES (16, 'refusals', '2026-11-21 21:45:50.601231+00', true, '\x06f8aa4881fc8329c339ff14f76a2bfad517659dce7c6e5e6a5811370a77d5102570bc599454367722eb5aa35953e967', 6793866);
INSERT INTO _sqlx_migrations VALUES (18, 'notes and reminders', '2026-11-21 21:45:50.608249+00', true, '\xb29d51603bbc9e83d7f8b59f734a84eea7439a67884e12ca2dba8c5acb70c3d2289a42a01464c341ee62fd7913882245', 7610848);

INSERT INTO account_usage_days VALUES ('acc_oD4VK2QjOU9r0bnS', 20778, '', 3);
INSERT INTO account_usage_days VALUES ('acc_oD4VK2QjOU9r0bnS', 20778, 'scope_missing', 1);

INSERT INTO account_usage_hours VALUES ('acc_oD4VK2QjOU9r0bnS', 498693, '', 3);
INSERT INTO account_usage_hours VALUES ('acc_oD4VK2QjOU9r0bnS', 498693, 'scope_missing', 1);

INSERT INTO accounts VALUES ('acc_oD4VK2QjOU9r0bnS', 'Halden', 1795297550896136, 15, '85f34c2a7c5e9b4e1b25bceb512435dab409c0186f7aebd22e5ec3aa54ef4cc5', NULL, 0, 0, NULL, NULL);

INSERT INTO api_key_secrets VALUES ('fb45bc5c32fd2d52b66ba074093e72094972f86b7d16470b93783d7c883d8bee', 'key_1KtPLZoRvW1YToJy', 1, 'OCrh', 1795297550896136, NULL, NULL, NULL, 0, 0);
INSERT INTO api_key_secrets VALUES ('d5daf091e7ede4b7b7b702d3de2c11a70f1e96de2d6bbf8208bed3d6b8d4008e', 'key_LQQzuoRc1Nyjpw8t', 1, 'TA5x', 1795297551174285, NULL, NULL, NULL, 0, 0);
INSERT INTO api_key_secrets VALUES ('bbf60f288c89a5a80349e03d302d53ddf94a992bf49e60979b28bc592d81766d', 'key_0QVm91f9rYKOB7Uq', 1, '4ayY', 1795297551124096, 1795902351268535, NULL, NULL, 0, 0);
INSERT INTO api_key_secrets VALUES ('8d40603f5c4fc1552657abf3152c9d980bf076979b21bc60420d83bd5e4ad0c7', 'key_0QVm91f9rYKOB7Uq', 1, 'MpJ2', 1795297551268535, NULL, NULL, NULL, 0, 0);
INSERT INTO api_key_secrets VALUES ('a541cc8db97f0292504a3dca95ba7cae29c97240ec6d2b27ddd0889a4f7e5305', 'key_OIgsqjoua2mxvkfh', 1, 'BUSc', 1795297551085971, NULL, 1795297551237219, '127.0.0.1', 1, 0);
INSERT INTO api_key_secrets VALUES ('c9c2102eed0d753fa8d630e9f6a52ccd391ba28748b9c1c5cae808fc2038ad76', 'key_sRJwZdWZjJw88fEo', 1, 'ZLW2', 1795297551148519, NULL, 1795297551248248, '127.0.0.1', 1, 0);
INSERT INTO api_key_secrets VALUES ('db74da7dcd1cb55b63ece1dbd8f73f7e2fe994a92243be17425e78f5b8af35e7', 'key_w3bJEQQVtHEhwMfT', 1, 'Gghn', 1795297551224232, NULL, 1795297551241486, '127.0.0.1', 1, 0);

INSERT INTO api_keys VALUES ('key_1KtPLZoRvW1YToJy', 'acc_oD4VK2QjOU9r0bnS', 'first-key', 'first-key', 'standard', 'live', NULL, '*', '', 'kd_live_', 'OCrh', 1795297550896136, 'usr_IKPyEZXpCXMuQYp2', NULL, NULL, NULL, NULL, NULL, NULL, NULL, 1795383950896136, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO api_keys VALUES ('key_0QVm91f9rYKOB7Uq', 'acc_oD4VK2QjOU9r0bnS', 'reports', 'reports', 'standard', 'live', NULL, '*', '', 'kd_live_', 'MpJ2', 1795297551124096, 'usr_IKPyEZXpCXMuQYp2', NULL, NULL, NULL, NULL, NULL, 1795297551268535, 1795902351268535, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO api_keys VALUES ('key_LQQzuoRc1Nyjpw8t', 'acc_oD4VK2QjOU9r0bnS', 'sleeping', 'sleeping', 'standard', 'live', NULL, '*', '', 'kd_live_', 'TA5x', 1795297551174285, 'usr_IKPyEZXpCXMuQYp2', NULL, NULL, 1795297551309419, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO api_keys VALUES ('key_OIgsqjoua2mxvkfh', 'acc_oD4VK2QjOU9r0bnS', 'billing', 'billing', 'standard', 'live', NULL, '*', '', 'kd_live_', 'BUSc', 1795297551085971, 'usr_IKPyEZXpCXMuQYp2', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 1795297551237219, '127.0.0.1', 1795297551237219, '{"at":1795297551237219,"method":"GET","path":"/v1/key","status":200,"ip":"127.0.0.1","user_agent":"","request_id":"req_XQQma1ERq8q7bz1s","took":2938}', '', 'GET /v1/key');
INSERT INTO api_keys VALUES ('key_sRJwZdWZjJw88fEo', 'acc_oD4VK2QjOU9r0bnS', 'old billing', 'old billing', 'standard', 'live', NULL, '*', '', 'kd_live_', 'ZLW2', 1795297551148519, 'usr_IKPyEZXpCXMuQYp2', NULL, NULL, NULL, 1795297551291364, 'usr_IKPyEZXpCXMuQYp2', NULL, NULL, NULL, NULL, NULL, NULL, 1795297551248248, '127.0.0.1', 1795297551248248, '{"at":1795297551248248,"method":"GET","path":"/v1/key","status":200,"ip":"127.0.0.1","user_agent":"","request_id":"req_FSrvT7R5EmgiSbbY","took":4295}', '', 'GET /v1/key');
INSERT INTO api_keys VALUES ('key_w3bJEQQVtHEhwMfT', 'acc_oD4VK2QjOU9r0bnS', 'orders', 'orders', 'restricted', 'live', 'inb_94RtbvMyPV0mAvX7', 'mail:read', '', 'kd_live_', 'Gghn', 1795297551224232, 'usr_IKPyEZXpCXMuQYp2', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 1795297551241486, '127.0.0.1', 1795297551241486, '{"at":1795297551241486,"method":"GET","path":"/v1/key","status":200,"ip":"127.0.0.1","user_agent":"","request_id":"req_4Pmc2JmNNgPj2ze1","took":4608}', '', 'GET /v1/key');

INSERT INTO audit_events VALUES ('acc_oD4VK2QjOU9r0bnS', 1, 'evt_vHnCoMSs5qw4cuPm', 1795297550896136, 'account.created', 'user', 'usr_IKPyEZXpCXMuQYp2', 'Alice', 'administrator', '', '127.0.0.1', '', 'req_8yrd7grJ1YFuh3sr', 'acc_oD4VK2QjOU9r0bnS', 'Halden', '', '4ca77bdf2b16a3f2756d57bf83bd55d3482e404aab29abdecfb41382bfc00d31');
INSERT INTO audit_events VALUES ('acc_oD4VK2QjOU9r0bnS', 2, 'evt_BdR6Vr5qs8M7sFgx', 1795297550896136, 'key.created', 'user', 'usr_IKPyEZXpCXMuQYp2', 'Alice', 'administrator', '', '127.0.0.1', '', 'req_8yrd7grJ1YFuh3sr', 'key_1KtPLZoRvW1YToJy', 'first-key', '', 'aabaf379285746f6a50312d720525e480e1f4564e1ab47ea359ce1493e91484e');
INSERT INTO audit_events VALUES ('acc_oD4VK2QjOU9r0bnS', 3, 'evt_4wBMQcJoYYBOO9KY', 1795297550925088, 'session.created', 'user', 'usr_IKPyEZXpCXMuQYp2', 'Alice', 'administrator', 'ses_R9P7oIvYuTXKHTJx', '127.0.0.1', '', 'req_8yrd7grJ1YFuh3sr', 'usr_IKPyEZXpCXMuQYp2', 'alice@halden.example', '', '9433fb541333bfc2a9f9a262d82acc773ba6e165b93254851a446f65bf2b28c3');
INSERT INTO audit_events VALUES ('acc_oD4VK2QjOU9r0bnS', 4, 'evt_tqtdoyYK9HM8N7k7', 1795297551027587, 'session.created', 'user', 'usr_IKPyEZXpCXMuQYp2', 'Alice', 'administrator', 'ses_G3m3d43dDEIokxKF', '127.0.0.1', '', 'req_XhDC9g94GmReiGls', 'usr_IKPyEZXpCXMuQYp2', 'alice@halden.example', '', '927150d2df2d8088cf182c543fd01ce212f08bc42ad6e8b3d0ef375eb3693d97');
INSERT INTO audit_events VALUES ('acc_oD4VK2QjOU9r0bnS', 5, 'evt_WtJfx50uAMPdUb2e', 1795297551068239, 'inbox.created', 'user', 'usr_IKPyEZXpCXMuQYp2', 'Alice', 'administrator', 'ses_G3m3d43dDEIokxKF', '127.0.0.1', '', 'req_aYok8CnYfygjnkUQ', 'inb_94RtbvMyPV0mAvX7', 'Orders', '', 'e883bba531014c814a79a76da280265f9598f80d45df3008fa6e730c9310240a');
INSERT INTO audit_events VALUES ('acc_oD4VK2QjOU9r0bnS', 6, 'evt_FqWoIkcPBpkdsvYW', 1795297551085971, 'key.created', 'user', 'usr_IKPyEZXpCXMuQYp2', 'Alice', 'administrator', 'ses_G3m3d43dDEIokxKF', '127.0.0.1', '', 'req_ltCXmPsnaptvZNVT', 'key_OIgsqjoua2mxvkfh', 'billing', '', 'e36653b88d0b8b918b9203c687360a32370b2eccb9c502534cf72f4c9a724991');
INSERT INTO audit_events VALUES ('acc_oD4VK2QjOU9r0bnS', 7, 'evt_Vy3Soa8AGYcFbkl2', 1795297551124096, 'key.created', 'user', 'usr_IKPyEZXpCXMuQYp2', 'Alice', 'administrator', 'ses_G3m3d43dDEIokxKF', '127.0.0.1', '', 'req_94iNrz0mghaBavvZ', 'key_0QVm91f9rYKOB7Uq', 'reports', '', 'da260bf1bc952e45b781c709629b61f52cbf09440a01cd797844e4b60f10eece');
INSERT INTO audit_events VALUES ('acc_oD4VK2QjOU9r0bnS', 8, 'evt_eXYkxVCTaBZmQrJM', 1795297551148519, 'key.created', 'user', 'usr_IKPyEZXpCXMuQYp2', 'Alice', 'administrator', 'ses_G3m3d43dDEIokxKF', '127.0.0.1', '', 'req_tOUSGiM0kh6dRJz8', 'key_sRJwZdWZjJw88fEo', 'old billing', '', 'be540eb6eaf904b40087c1517a8ad325162ced0b0bd75271c52574bf788cf94d');
INSERT INTO audit_events VALUES ('acc_oD4VK2QjOU9r0bnS', 9, 'evt_omlXXUBYWEjKQ5SP', 1795297551174285, 'key.created', 'user', 'usr_IKPyEZXpCXMuQYp2', 'Alice', 'administrator', 'ses_G3m3d43dDEIokxKF', '127.0.0.1', '', 'req_r1kfb7yiM2vzQYuq', 'key_LQQzuoRc1Nyjpw8t', 'sleeping', '', '9ea47d3566896ec42788cd2e5d345fb9ff09ffa4e6ebafbf2498fad84a68c456');
INSERT INTO audit_events VALUES ('acc_oD4VK2QjOU9r0bnS', 10, 'evt_tiymrr9FdhAIBAqN', 1795297551224232, 'key.created', 'user', 'usr_IKPyEZXpCXMuQYp2', 'Alice', 'administrator', 'ses_G3m3d43dDEIokxKF', '127.0.0.1', '', 'req_QVIbbhVjpBmhNwqD', 'key_w3bJEQQVtHEhwMfT', 'orders', '', 'fa8d9fe591a77802c543643d4bf7bfad05060d515392abb4941629dcc16d37b9');
INSERT INTO audit_events VALUES ('acc_oD4VK2QjOU9r0bnS', 11, 'evt_61R0lvnRYx52Mz7O', 1795297551268535, 'key.rotated', 'user', 'usr_IKPyEZXpCXMuQYp2', 'Alice', 'administrator', 'ses_G3m3d43dDEIokxKF', '127.0.0.1', '', 'req_6eFe0kwLN4QVjPSP', 'key_0QVm91f9rYKOB7Uq', 'reports', 'old key stops in 7 days', '346b4760aa2bfed77c69e36e50b23f58bc26f8c5f88343b37b6a54319bb8e383');
INSERT INTO audit_events VALUES ('acc_oD4VK2QjOU9r0bnS', 12, 'evt_MHLGPG0J86BHrzH0', 1795297551291364, 'key.deleted', 'user', 'usr_IKPyEZXpCXMuQYp2', 'Alice', 'administrator', 'ses_R9P7oIvYuTXKHTJx', '127.0.0.1', '', 'req_hi6TTu5UniBszLj8', 'key_sRJwZdWZjJw88fEo', 'old billing', '', '680690b43ec3fea2d5399932b3ab48a9cd2cd10ebce3b48bfd0555ceb5f7a850');
INSERT INTO audit_events VALUES ('acc_oD4VK2QjOU9r0bnS', 13, 'evt_lWxGeeYRdR3i7grZ', 1795297551309419, 'key.paused', 'user', 'usr_IKPyEZXpCXMuQYp2', 'Alice', 'administrator', 'ses_R9P7oIvYuTXKHTJx', '127.0.0.1', '', 'req_54B1mflUbhV1gGvK', 'key_LQQzuoRc1Nyjpw8t', 'sleeping', '', '93c754d0afeadc32314f16e3f72cd36eebc298cd4dba6bf3c67048a3c202309f');
INSERT INTO audit_events VALUES ('acc_oD4VK2QjOU9r0bnS', 14, 'evt_TksBHSCrr1T5W8Ab', 1795297551328846, 'key.noted', 'user', 'usr_IKPyEZXpCXMuQYp2', 'Alice', 'administrator', 'ses_R9P7oIvYuTXKHTJx', '127.0.0.1', '', 'req_L9hzdZjKYjQqUqsg', 'key_OIgsqjoua2mxvkfh', 'billing', '“Used by the invoices, ask Ana.”', 'c699a4b5ae24b40d78e5c6b050c674e58a3f731c847342e7c2474ed6c21a85a1');
INSERT INTO audit_events VALUES ('acc_oD4VK2QjOU9r0bnS', 15, 'evt_5t0vX5mPXOkjf9rK', 1795297551348713, 'member.invited', 'user', 'usr_IKPyEZXpCXMuQYp2', 'Alice', 'administrator', 'ses_R9P7oIvYuTXKHTJx', '127.0.0.1', '', 'req_6HuZ5n9Udl4MeLJO', 'inv_0wy6unxVJNnf2MgO', 'ana@halden.example', 'as an auditor', '85f34c2a7c5e9b4e1b25bceb512435dab409c0186f7aebd22e5ec3aa54ef4cc5');

INSERT INTO devices VALUES ('987d6c0c661704993483f7e3cbb5f2804daf9161d24149fcc12db56d1b351106', 'usr_IKPyEZXpCXMuQYp2', 'browser', 1795297550925088, 1795297550925088, '', 'ses_R9P7oIvYuTXKHTJx');
INSERT INTO devices VALUES ('cc68e43903bc0351d76a093a00d80c64355a4b82bb21342e33d1dd4dad1611f9', 'usr_IKPyEZXpCXMuQYp2', 'program', 1795297551027587, 1795297551027587, '', 'ses_G3m3d43dDEIokxKF');

INSERT INTO errands VALUES ('err_2oEdWwcQzeHiP0RU', 'verify_email', 'verify_email usr_IKPyEZXpCXMuQYp2', 'alice@halden.example', 1795297550896136, 1795297595930335, 1, 1795297550940892, NULL, '', '');
INSERT INTO errands VALUES ('err_Tn22CowZ9BymmjS1', 'new_device', 'new_device evt_KsFCmKJdpQT3cIMf', 'alice@halden.example', 1795297551027587, 1795297596039675, 1, 1795297551058076, NULL, '', 'ses_G3m3d43dDEIokxKF');
INSERT INTO errands VALUES ('err_VaEZXV2j87OyQyCW', 'invitation', 'invitation evt_3nFJXgKLrPW8pAIO', 'ana@halden.example', 1795297551348713, 1795297551348713, 0, NULL, NULL, '', 'inv_0wy6unxVJNnf2MgO');

INSERT INTO inboxes VALUES ('inb_94RtbvMyPV0mAvX7', 'acc_oD4VK2QjOU9r0bnS', 'Orders', 'orders', 'orders-c8wt@in.localhost', 1795297551068291, NULL);

INSERT INTO installation VALUES (1, 'ins_eDQaMbwhgtneML27', 1795297550616662, 1795297550625536);

INSERT INTO invitations VALUES ('inv_0wy6unxVJNnf2MgO', 'acc_oD4VK2QjOU9r0bnS', 'ana@halden.example', 'ana@halden.example', 'auditor', 'usr_IKPyEZXpCXMuQYp2', 1795297551348713, 1795902351348713, NULL, NULL, NULL);

INSERT INTO key_notes VALUES ('not_U1VHpmlPSyEvnyJE', 'acc_oD4VK2QjOU9r0bnS', 'key_OIgsqjoua2mxvkfh', 'usr_IKPyEZXpCXMuQYp2', 'Used by the invoices, ask Ana.', 1795297551328846);

INSERT INTO mailed_links VALUES ('2550158dc1879e6a1ddd570c2d17400e402de746f3b9ef704eb6e1fa660aa6b2', 'verify', 'usr_IKPyEZXpCXMuQYp2', 1795297550936212, 1795556750936212, NULL);

INSERT INTO refresh_tokens VALUES ('d2718e8d2dc2ebcf6b711b4306ef0761fda743f6c4da9416081d33ecb0672a3f', 'ses_G3m3d43dDEIokxKF', 1795297551027587, 1797889551027587, 1795297551050422, '84e5febb549b1ab641339bc056ab039c06c7f65dca2194807b6a46320e29e39c');
INSERT INTO refresh_tokens VALUES ('551023d2999d94b107cb045e5ddf965391f825d1919c15198fa53f9b52f69f39', 'ses_G3m3d43dDEIokxKF', 1795297551050422, 1797889551050422, NULL, NULL);

INSERT INTO refusals VALUES ('req_SAHaNp1Tomry0Uux', 1795297551256073, 'scope_missing', 'acc_oD4VK2QjOU9r0bnS', 'key_w3bJEQQVtHEhwMfT', 'Gghn', 'GET', '/v1/usage', '127.0.0.1', '', 'keys:read', '', 'mail:read');

INSERT INTO sealed_secrets VALUES ('key_1KtPLZoRvW1YToJy', 'acc_oD4VK2QjOU9r0bnS', 'Lk7Yxbi+muXYQ3cLW5h8nATXcc7Tv3xtoUr0Av73ZbTUhC5QQ7PHWggNwo0lF4CH6g8F4oIrqOH24pE9YeefTNwI61hA6Sr+NxC5Jk6OoXUxFZNikkuJkK0oMQwSrBhkHw', 1795383950896136);

INSERT INTO secret_prefixes VALUES ('kd_test_', 1795297550649234);
INSERT INTO secret_prefixes VALUES ('kd_live_', 1795297550649234);

INSERT INTO session_keys VALUES (1, 0, 0, NULL, NULL);

INSERT INTO sessions VALUES ('ses_R9P7oIvYuTXKHTJx', 'usr_IKPyEZXpCXMuQYp2', 'browser', 1795297550925088, 1795297550925088, 1795340750925088, false, NULL, '127.0.0.1', '', 1795297550925088, 'pwd');
INSERT INTO sessions VALUES ('ses_G3m3d43dDEIokxKF', 'usr_IKPyEZXpCXMuQYp2', 'api', 1795297551027587, 1795297551027587, 1797889551027587, true, NULL, '127.0.0.1', '', 1795297551027587, 'pwd');

INSERT INTO usage_addresses VALUES ('key_OIgsqjoua2mxvkfh', '127.0.0.1', 1795297551237219);
INSERT INTO usage_addresses VALUES ('key_sRJwZdWZjJw88fEo', '127.0.0.1', 1795297551248248);
INSERT INTO usage_addresses VALUES ('key_w3bJEQQVtHEhwMfT', '127.0.0.1', 1795297551241486);

INSERT INTO usage_days VALUES ('key_OIgsqjoua2mxvkfh', 20778, 1, 0, 'acc_oD4VK2QjOU9r0bnS', 0);
INSERT INTO usage_days VALUES ('key_sRJwZdWZjJw88fEo', 20778, 1, 0, 'acc_oD4VK2QjOU9r0bnS', 0);
INSERT INTO usage_days VALUES ('key_w3bJEQQVtHEhwMfT', 20778, 1, 1, 'acc_oD4VK2QjOU9r0bnS', 0);

INSERT INTO usage_hours VALUES ('key_OIgsqjoua2mxvkfh', 498693, 1, 0, 'acc_oD4VK2QjOU9r0bnS', 0);
INSERT INTO usage_hours VALUES ('key_sRJwZdWZjJw88fEo', 498693, 1, 0, 'acc_oD4VK2QjOU9r0bnS', 0);
INSERT INTO usage_hours VALUES ('key_w3bJEQQVtHEhwMfT', 498693, 1, 1, 'acc_oD4VK2QjOU9r0bnS', 0);

INSERT INTO usage_refusal_days VALUES ('key_w3bJEQQVtHEhwMfT', 20778, 'scope_missing', 1);

INSERT INTO usage_refusals VALUES ('key_w3bJEQQVtHEhwMfT', 498693, 'scope_missing', 1);

INSERT INTO users VALUES ('usr_IKPyEZXpCXMuQYp2', 'acc_oD4VK2QjOU9r0bnS', 'alice@halden.example', 'alice@halden.example', 'Alice', 'administrator', '$argon2id$v=19$m=19456,t=2,p=1$pcCnHLvLJU8J3cm+fCY4MQ$HsXJHMWSkQr6d+62RFmoAWbfVRvRGsD4PJ3oNjb+w4I', NULL, 1795297550896136, 1795297551027587, NULL, NULL, NULL);

INSERT INTO web_sessions VALUES ('ab4782b21bd26bb88d2d69405007747bfb98a468de315f8e57482927429a05ca', '{"flash":{"kind":"good","link":null,"name":"ana@halden.example","text":" is invited as an auditor. The link in the mail works for 7 days."},"sid":"ses_R9P7oIvYuTXKHTJx"}', 1797889551373058);

ALTER TABLE ONLY _sqlx_migrations
    ADD CONSTRAINT _sqlx_migrations_pkey PRIMARY KEY (version);

ALTER TABLE ONLY account_usage_days
    ADD CONSTRAINT account_usage_days_pkey PRIMARY KEY (account_id, day, reason);

ALTER TABLE ONLY account_usage_hours
    ADD CONSTRAINT account_usage_hours_pkey PRIMARY KEY (account_id, hour, reason);

ALTER TABLE ONLY accounts
    ADD CONSTRAINT accounts_pkey PRIMARY KEY (id);

ALTER TABLE ONLY api_key_secrets
    ADD CONSTRAINT api_key_secrets_pkey PRIMARY KEY (secret_hash);

ALTER TABLE ONLY api_keys
    ADD CONSTRAINT api_keys_pkey PRIMARY KEY (id);

ALTER TABLE ONLY audit_events
    ADD CONSTRAINT audit_events_id_key UNIQUE (id);

ALTER TABLE ONLY audit_events
    ADD CONSTRAINT audit_events_pkey PRIMARY KEY (account_id, seq);

ALTER TABLE ONLY authenticators
    ADD CONSTRAINT authenticators_pkey PRIMARY KEY (user_id);

ALTER TABLE ONLY devices
    ADD CONSTRAINT devices_pkey PRIMARY KEY (token_hash, user_id);

ALTER TABLE ONLY errands
    ADD CONSTRAINT errands_event_key UNIQUE (event);

ALTER TABLE ONLY errands
    ADD CONSTRAINT errands_pkey PRIMARY KEY (id);

ALTER TABLE ONLY idempotency_keys
    ADD CONSTRAINT idempotency_keys_pkey PRIMARY KEY (account_id, key);

ALTER TABLE ONLY identities
    ADD CONSTRAINT identities_pkey PRIMARY KEY (issuer, subject);

ALTER TABLE ONLY inboxes
    ADD CONSTRAINT inboxes_pkey PRIMARY KEY (id);

ALTER TABLE ONLY installation
    ADD CONSTRAINT installation_pkey PRIMARY KEY (one);

ALTER TABLE ONLY invitations
    ADD CONSTRAINT invitations_pkey PRIMARY KEY (id);

ALTER TABLE ONLY invitations
    ADD CONSTRAINT invitations_token_hash_key UNIQUE (token_hash);

ALTER TABLE ONLY kept_secrets
    ADD CONSTRAINT kept_secrets_pkey PRIMARY KEY (key_id);

ALTER TABLE ONLY key_notes
    ADD CONSTRAINT key_notes_pkey PRIMARY KEY (id);

ALTER TABLE ONLY key_reminders
    ADD CONSTRAINT key_reminders_pkey PRIMARY KEY (key_id, kind, at);

ALTER TABLE ONLY mailed_links
    ADD CONSTRAINT mailed_links_pkey PRIMARY KEY (token_hash);

ALTER TABLE ONLY oidc_transactions
    ADD CONSTRAINT oidc_transactions_pkey PRIMARY KEY (browser_hash);

ALTER TABLE ONLY passkeys
    ADD CONSTRAINT passkeys_credential_id_key UNIQUE (credential_id);

ALTER TABLE ONLY passkeys
    ADD CONSTRAINT passkeys_pkey PRIMARY KEY (id);

ALTER TABLE ONLY recovery_codes
    ADD CONSTRAINT recovery_codes_pkey PRIMARY KEY (code_hash);

ALTER TABLE ONLY refresh_tokens
    ADD CONSTRAINT refresh_tokens_pkey PRIMARY KEY (token_hash);

ALTER TABLE ONLY refusals_not_kept
    ADD CONSTRAINT refusals_not_kept_pkey PRIMARY KEY (hour);

ALTER TABLE ONLY refusals
    ADD CONSTRAINT refusals_pkey PRIMARY KEY (request_id);

ALTER TABLE ONLY sealed_secrets
    ADD CONSTRAINT sealed_secrets_pkey PRIMARY KEY (key_id);

ALTER TABLE ONLY secret_prefixes
    ADD CONSTRAINT secret_prefixes_pkey PRIMARY KEY (prefix);

ALTER TABLE ONLY session_keys
    ADD CONSTRAINT session_keys_pkey PRIMARY KEY (generation);

ALTER TABLE ONLY sessions
    ADD CONSTRAINT sessions_pkey PRIMARY KEY (id);

ALTER TABLE ONLY usage_addresses
    ADD CONSTRAINT usage_addresses_pkey PRIMARY KEY (key_id, ip);

ALTER TABLE ONLY usage_days
    ADD CONSTRAINT usage_days_pkey PRIMARY KEY (key_id, day);

ALTER TABLE ONLY usage_hours
    ADD CONSTRAINT usage_hours_pkey PRIMARY KEY (key_id, hour);

ALTER TABLE ONLY usage_refusal_days
    ADD CONSTRAINT usage_refusal_days_pkey PRIMARY KEY (key_id, day, reason);

ALTER TABLE ONLY usage_refusals
    ADD CONSTRAINT usage_refusals_pkey PRIMARY KEY (key_id, hour, reason);

ALTER TABLE ONLY usage_scopes
    ADD CONSTRAINT usage_scopes_pkey PRIMARY KEY (key_id, scope);

ALTER TABLE ONLY users
    ADD CONSTRAINT users_email_folded_key UNIQUE (email_folded);

ALTER TABLE ONLY users
    ADD CONSTRAINT users_pkey PRIMARY KEY (id);

ALTER TABLE ONLY web_sessions
    ADD CONSTRAINT web_sessions_pkey PRIMARY KEY (id_hash);

CREATE INDEX accounts_to_checkpoint ON accounts USING btree (checkpoint_at) WHERE (audit_seq <> checkpoint_seq);

CREATE INDEX api_key_secrets_by_ending ON api_key_secrets USING btree (last4);

CREATE INDEX api_key_secrets_of_key ON api_key_secrets USING btree (key_id);

CREATE INDEX api_keys_by_age_of_secret ON api_keys USING btree (COALESCE(rotated_at, created_at), id) WHERE (deleted_at IS NULL);

CREATE INDEX api_keys_by_creation ON api_keys USING btree (account_id, created_at, id);

CREATE INDEX api_keys_by_expiry ON api_keys USING btree (expires_at, id) WHERE ((expires_at IS NOT NULL) AND (deleted_at IS NULL));

CREATE UNIQUE INDEX api_keys_by_name ON api_keys USING btree (account_id, environment, name_folded) WHERE (deleted_at IS NULL);

CREATE INDEX api_keys_by_use ON api_keys USING btree (account_id, last_used_at, id);

CREATE INDEX api_keys_of_inbox ON api_keys USING btree (inbox_id) WHERE (inbox_id IS NOT NULL);

CREATE INDEX audit_events_by_time ON audit_events USING btree (account_id, at, seq);

CREATE INDEX audit_events_from_address_by_time ON audit_events USING btree (account_id, ip, at, seq);

CREATE INDEX audit_events_of_action_by_time ON audit_events USING btree (account_id, action, at, seq);

CREATE INDEX audit_events_of_actor_by_time ON audit_events USING btree (account_id, actor_id, at, seq);

CREATE INDEX audit_events_of_target ON audit_events USING btree (account_id, target_id, seq);

CREATE INDEX audit_events_of_target_by_time ON audit_events USING btree (account_id, target_id, at, seq);

CREATE INDEX devices_of_session ON devices USING btree (session_id) WHERE (session_id IS NOT NULL);

CREATE INDEX devices_of_the_past ON devices USING btree (last_seen_at);

CREATE INDEX devices_of_user ON devices USING btree (user_id, kind, last_seen_at);

CREATE INDEX errands_due ON errands USING btree (due_at) WHERE ((done_at IS NULL) AND (given_up_at IS NULL));

CREATE INDEX errands_of_recipient ON errands USING btree (recipient, kind, created_at);

CREATE INDEX errands_of_the_past ON errands USING btree (created_at);

CREATE UNIQUE INDEX identities_of_user ON identities USING btree (user_id, issuer);

CREATE UNIQUE INDEX inboxes_by_name ON inboxes USING btree (account_id, name_folded) WHERE (deleted_at IS NULL);

CREATE UNIQUE INDEX invitations_open ON invitations USING btree (account_id, email_folded) WHERE ((accepted_at IS NULL) AND (withdrawn_at IS NULL));

CREATE INDEX kept_secrets_of_account ON kept_secrets USING btree (account_id, key_id);

CREATE INDEX key_notes_of_key ON key_notes USING btree (account_id, key_id, created_at);

CREATE INDEX key_reminders_of_the_past ON key_reminders USING btree (told_at);

CREATE INDEX mailed_links_of_user ON mailed_links USING btree (user_id, kind);

CREATE INDEX oidc_transactions_of_the_past ON oidc_transactions USING btree (expires_at);

CREATE INDEX passkeys_of_user ON passkeys USING btree (user_id);

CREATE INDEX recovery_codes_of_user ON recovery_codes USING btree (user_id);

CREATE INDEX refresh_tokens_in_grace ON refresh_tokens USING btree (spent_at) WHERE (successor_salt IS NOT NULL);

CREATE INDEX refusals_by_time ON refusals USING btree (at);

CREATE INDEX refusals_of_key ON refusals USING btree (key_id, at);

CREATE INDEX refusals_of_owner ON refusals USING btree (account_id, at);

CREATE INDEX sessions_of_user ON sessions USING btree (user_id, created_at);

CREATE INDEX usage_days_of_account ON usage_days USING btree (account_id, day, key_id);

CREATE INDEX usage_hours_of_account ON usage_hours USING btree (account_id, hour, key_id);

CREATE INDEX usage_hours_that_count ON usage_hours USING btree (hour, key_id) WHERE ((ok + refused) >= 100);

CREATE INDEX users_of_account ON users USING btree (account_id, created_at);

CREATE INDEX users_removed ON users USING btree (account_id, id) WHERE (removed_at IS NOT NULL);

CREATE TRIGGER audit_events_are_not_changed BEFORE DELETE OR UPDATE OR TRUNCATE ON audit_events FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_audit_events();

ALTER TABLE ONLY account_usage_days
    ADD CONSTRAINT account_usage_days_account_id_fkey FOREIGN KEY (account_id) REFERENCES accounts(id);

ALTER TABLE ONLY account_usage_hours
    ADD CONSTRAINT account_usage_hours_account_id_fkey FOREIGN KEY (account_id) REFERENCES accounts(id);

ALTER TABLE ONLY api_key_secrets
    ADD CONSTRAINT api_key_secrets_key_id_fkey FOREIGN KEY (key_id) REFERENCES api_keys(id);

ALTER TABLE ONLY api_keys
    ADD CONSTRAINT api_keys_account_id_fkey FOREIGN KEY (account_id) REFERENCES accounts(id);

ALTER TABLE ONLY api_keys
    ADD CONSTRAINT api_keys_created_by_fkey FOREIGN KEY (created_by) REFERENCES users(id);

ALTER TABLE ONLY api_keys
    ADD CONSTRAINT api_keys_deleted_by_fkey FOREIGN KEY (deleted_by) REFERENCES users(id);

ALTER TABLE ONLY api_keys
    ADD CONSTRAINT api_keys_inbox_id_fkey FOREIGN KEY (inbox_id) REFERENCES inboxes(id);

ALTER TABLE ONLY api_keys
    ADD CONSTRAINT api_keys_revealed_by_fkey FOREIGN KEY (revealed_by) REFERENCES users(id);

ALTER TABLE ONLY audit_events
    ADD CONSTRAINT audit_events_account_id_fkey FOREIGN KEY (account_id) REFERENCES accounts(id);

ALTER TABLE ONLY authenticators
    ADD CONSTRAINT authenticators_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id);

ALTER TABLE ONLY devices
    ADD CONSTRAINT devices_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id);

ALTER TABLE ONLY idempotency_keys
    ADD CONSTRAINT idempotency_keys_account_id_fkey FOREIGN KEY (account_id) REFERENCES accounts(id);

ALTER TABLE ONLY identities
    ADD CONSTRAINT identities_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id);

ALTER TABLE ONLY inboxes
    ADD CONSTRAINT inboxes_account_id_fkey FOREIGN KEY (account_id) REFERENCES accounts(id);

ALTER TABLE ONLY invitations
    ADD CONSTRAINT invitations_account_id_fkey FOREIGN KEY (account_id) REFERENCES accounts(id);

ALTER TABLE ONLY invitations
    ADD CONSTRAINT invitations_invited_by_fkey FOREIGN KEY (invited_by) REFERENCES users(id);

ALTER TABLE ONLY kept_secrets
    ADD CONSTRAINT kept_secrets_account_id_fkey FOREIGN KEY (account_id) REFERENCES accounts(id);

ALTER TABLE ONLY kept_secrets
    ADD CONSTRAINT kept_secrets_key_id_fkey FOREIGN KEY (key_id) REFERENCES api_keys(id);

ALTER TABLE ONLY key_notes
    ADD CONSTRAINT key_notes_account_id_fkey FOREIGN KEY (account_id) REFERENCES accounts(id);

ALTER TABLE ONLY key_notes
    ADD CONSTRAINT key_notes_author_id_fkey FOREIGN KEY (author_id) REFERENCES users(id);

ALTER TABLE ONLY key_notes
    ADD CONSTRAINT key_notes_key_id_fkey FOREIGN KEY (key_id) REFERENCES api_keys(id);

ALTER TABLE ONLY key_reminders
    ADD CONSTRAINT key_reminders_key_id_fkey FOREIGN KEY (key_id) REFERENCES api_keys(id);

ALTER TABLE ONLY mailed_links
    ADD CONSTRAINT mailed_links_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id);

ALTER TABLE ONLY passkeys
    ADD CONSTRAINT passkeys_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id);

ALTER TABLE ONLY recovery_codes
    ADD CONSTRAINT recovery_codes_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id);

ALTER TABLE ONLY refresh_tokens
    ADD CONSTRAINT refresh_tokens_session_id_fkey FOREIGN KEY (session_id) REFERENCES sessions(id);

ALTER TABLE ONLY sealed_secrets
    ADD CONSTRAINT sealed_secrets_account_id_fkey FOREIGN KEY (account_id) REFERENCES accounts(id);

ALTER TABLE ONLY sealed_secrets
    ADD CONSTRAINT sealed_secrets_key_id_fkey FOREIGN KEY (key_id) REFERENCES api_keys(id);

ALTER TABLE ONLY sessions
    ADD CONSTRAINT sessions_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id);

ALTER TABLE ONLY usage_addresses
    ADD CONSTRAINT usage_addresses_key_id_fkey FOREIGN KEY (key_id) REFERENCES api_keys(id);

ALTER TABLE ONLY usage_days
    ADD CONSTRAINT usage_days_account_id_fkey FOREIGN KEY (account_id) REFERENCES accounts(id);

ALTER TABLE ONLY usage_days
    ADD CONSTRAINT usage_days_key_id_fkey FOREIGN KEY (key_id) REFERENCES api_keys(id);

ALTER TABLE ONLY usage_hours
    ADD CONSTRAINT usage_hours_account_id_fkey FOREIGN KEY (account_id) REFERENCES accounts(id);

ALTER TABLE ONLY usage_hours
    ADD CONSTRAINT usage_hours_key_id_fkey FOREIGN KEY (key_id) REFERENCES api_keys(id);

ALTER TABLE ONLY usage_refusal_days
    ADD CONSTRAINT usage_refusal_days_key_id_fkey FOREIGN KEY (key_id) REFERENCES api_keys(id);

ALTER TABLE ONLY usage_refusals
    ADD CONSTRAINT usage_refusals_key_id_fkey FOREIGN KEY (key_id) REFERENCES api_keys(id);

ALTER TABLE ONLY usage_scopes
    ADD CONSTRAINT usage_scopes_key_id_fkey FOREIGN KEY (key_id) REFERENCES api_keys(id);

ALTER TABLE ONLY users
    ADD CONSTRAINT users_account_id_fkey FOREIGN KEY (account_id) REFERENCES accounts(id);

