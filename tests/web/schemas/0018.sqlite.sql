BEGIN TRANSACTION;
CREATE TABLE _sqlx_migrations (
    version BIGINT PRIMARY KEY,
    description TEXT NOT NULL,
    installed_on TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
    success BOOLEAN NOT NULL,
    checksum BLOB NOT NULL,
    execution_time BIGINT NOT NULL
);
INSERT INTO "_sqlx_migrations" VALUES(1,'the desk','2026-11-21 21:45:49',1,X'4E76329EA00BDD0D735385B23FB086842E4A3BAF863615A41F1B53DB41B0B9B79B86F0D3417A51A51F2694F4EBAD4DCA',7467205);
INSERT INTO "_sqlx_migrations" VALUES(2,'the gate','2026-11-21 21:45:49',1,X'ECBB88CFFE5B106F097D76617EE54C36B98B5A00B223EBCC696E3E52D9EC18B966A0466E6DBFF62667CA145B4C653961',8000215);
INSERT INTO "_sqlx_migrations" VALUES(3,'usage of an account','2026-11-21 21:45:49',1,X'7C5E7D368B3A47B3EE191CD524A0BCBE62794B06D08AE1A45B09FC2170AFABFA0B824C10D73FF650E6B5167691BF007A',3952172);
INSERT INTO "_sqlx_migrations" VALUES(4,'secret prefixes','2026-11-21 21:45:49',1,X'BCB0223C78DBD3474DCF6E62B9E6D671FD9977E01FC503AE82E13BF9A7D971C4A7B74136BD70B51B16E20AB00B5D302C',3942006);
INSERT INTO "_sqlx_migrations" VALUES(5,'reveal again','2026-11-21 21:45:49',1,X'73293AAE40EBD223E105D71494FA3970CB3FCCA42A24AE2CD52364636C5701458AB702AE3FCB94CDE6D2E789B09FE298',3936618);
INSERT INTO "_sqlx_migrations" VALUES(6,'mail','2026-11-21 21:45:49',1,X'45B0F311D2BD79811DBEAAB67E2B933725521BD449F7AC69F462308DA11E412986CBE3C2BCFE268D4AFEEB52B94FFEB8',3960965);
INSERT INTO "_sqlx_migrations" VALUES(7,'google','2026-11-21 21:45:49',1,X'2D31BF06971A5D46A236E4F32C04D0EE3828205F9F2BDEFB99A4F154DD864C3C365783CD5FCA186F9433659F517AC5D4',4856573);
INSERT INTO "_sqlx_migrations" VALUES(8,'team','2026-11-21 21:45:49',1,X'4B0507DB7A1D829D2D36F351E0C0EBE753E00347A3616D9B5A901FCD6E32EA5C726B807A152F5D9AEA7321B2AAB0DB71',4077988);
INSERT INTO "_sqlx_migrations" VALUES(9,'second factor','2026-11-21 21:45:49',1,X'A3DFF6BF2CEB8D290D65496B29B14BB84941EA354CB28FE087BB860538D96825B3352E2316C6AD9E73A7D9F9F4743038',2038843);
INSERT INTO "_sqlx_migrations" VALUES(10,'session keys','2026-11-21 21:45:49',1,X'3C3309C911FA2FDD78BB8B72D44ACAB038DCABD9D502AFAA5A3C24AAA708FBFA740094FCF2B5CB939E77881257707079',1272277);
INSERT INTO "_sqlx_migrations" VALUES(11,'devices','2026-11-21 21:45:49',1,X'0AB4A3144364C9A2BAAE10378B53DFFFBDC4FBD8D86E46E5CBA14552AF73D0E305C10F4006905291D88AA89B353420C0',827447);
INSERT INTO "_sqlx_migrations" VALUES(12,'audit append only','2026-11-21 21:45:49',1,X'7B1CEF8EEC8EF6A20FAABA542BEDA5328BADDC1522D13B99C76079BF01E17B1CDEE9BBA96B3E85A2ABFA65B92D0B3FB9',2460600);
INSERT INTO "_sqlx_migrations" VALUES(13,'usage in sums','2026-11-21 21:45:49',1,X'D78AFD7CAB81BF680426A3E370B9732039371AD326862FF2B326EE020AA3EEFE5EAB86B81BC6018B3620D79B6E80DBBB',1066211);
INSERT INTO "_sqlx_migrations" VALUES(14,'used scopes','2026-11-21 21:45:49',1,X'CDEBD129ECF312A2BEC215FD9983850DA0247B4C59D78063068E00BE8F5762449A6FC950CBAC80C5E6F901407A4F0EA0',1462569);
INSERT INTO "_sqlx_migrations" VALUES(15,'key lifetime','2026-11-21 21:45:49',1,X'71D3E42EC08C842BA21602C6EE40B838BD6A0E8B00FF557D09F1A2E2474B2B051A12D4DC578E9FD3C2D879A7EF25B07D',1837165);
INSERT INTO "_sqlx_migrations" VALUES(16,'refusals','2026-11-21 21:45:49',1,X'06F8AA4881FC8329C339FF14F76A2BFAD517659DCE7C6E5E6A5811370A77D5102570BC599454367722EB5AA35953E967',1057979);
INSERT INTO "_sqlx_migrations" VALUES(18,'notes and reminders','2026-11-21 21:45:49',1,X'B29D51603BBC9E83D7F8B59F734A84EEA7439A67884E12CA2DBA8C5ACB70C3D2289A42A01464C341EE62FD7913882245',1079681);
CREATE TABLE account_usage_days (
    account_id text not null references accounts (id),
    day bigint not null,
    reason text not null,
    count bigint not null,
    primary key (account_id, day, reason)
);
INSERT INTO "account_usage_days" VALUES('acc_DBHceLqoO5Eqgqj2',20778,'',3);
INSERT INTO "account_usage_days" VALUES('acc_DBHceLqoO5Eqgqj2',20778,'scope_missing',1);
CREATE TABLE account_usage_hours (
    account_id text not null references accounts (id),
    hour bigint not null,
    reason text not null,
    count bigint not null,
    primary key (account_id, hour, reason)
);
INSERT INTO "account_usage_hours" VALUES('acc_DBHceLqoO5Eqgqj2',498693,'',3);
INSERT INTO "account_usage_hours" VALUES('acc_DBHceLqoO5Eqgqj2',498693,'scope_missing',1);
CREATE TABLE accounts (
    id text primary key,
    name text not null,
    created_at bigint not null,
    -- The head of the account's audit chain: the last sequence number and its MAC.
    audit_seq bigint not null default 0,
    audit_mac text not null default ''
, two_factor_required_at bigint, checkpoint_seq bigint not null default 0, checkpoint_at bigint not null default 0, longest_key_days bigint, key_expiry_required_at bigint);
INSERT INTO "accounts" VALUES('acc_DBHceLqoO5Eqgqj2','Halden',1795297550035786,15,'3793cb4f4c227a0715e56800bd3332c632f0f8d84f1633d1a3765bc15c4fa851',NULL,0,0,NULL,NULL);
CREATE TABLE api_key_secrets (
    secret_hash text primary key,
    key_id text not null references api_keys (id),
    pepper_version bigint not null,
    last4 text not null,
    created_at bigint not null,
    -- When this secret stops working; none for the current one.
    dies_at bigint,
    last_used_at bigint,
    last_used_ip text
, used bigint not null default 0, used_retiring bigint not null default 0);
INSERT INTO "api_key_secrets" VALUES('dd2242fc7072f0a079136300457db0897087b976656978aedd5511d6e9b56814','key_315aRmKQEj1sy7Qs',1,'JO9H',1795297550035786,NULL,NULL,NULL,0,0);
INSERT INTO "api_key_secrets" VALUES('6a9fb5801751d2c150edc2287d49d7834410c95a6dcc0cb5d44be48eb43fbfd9','key_9zk9A4EfCcPBTGfd',1,'CpJO',1795297550090111,NULL,1795297550108402,'127.0.0.1',1,0);
INSERT INTO "api_key_secrets" VALUES('587cf1c4ca166b58da0a25ff636901408a1827400430d80f662327a99eedd800','key_tqzQVnEqVH8OAEZQ',1,'Zj0T',1795297550094421,1795902350115613,NULL,NULL,0,0);
INSERT INTO "api_key_secrets" VALUES('6ce69b04ab8da0f708c407b332573bca2c6549f7561a9963bba1267a44e391b9','key_Prxyy4cKSleYhF41',1,'i745',1795297550098299,NULL,1795297550111987,'127.0.0.1',1,0);
INSERT INTO "api_key_secrets" VALUES('17b8ec6e90cfc0934e1393148f244d14a445ced55ec7f3a2df0543bedec20f8e','key_wQKRlfjSIf31YyH3',1,'6hNR',1795297550101980,NULL,NULL,NULL,0,0);
INSERT INTO "api_key_secrets" VALUES('a7ad5b8b921bc77fceb212e21ec46c27823ed9080fca9e4703e85fefd353513d','key_VyoJsJBGNki81PHB',1,'9yFF',1795297550105711,NULL,1795297550110389,'127.0.0.1',1,0);
INSERT INTO "api_key_secrets" VALUES('a985b6739701391db335da685688bac5a57315d000618b22fc6de055b83cb02e','key_tqzQVnEqVH8OAEZQ',1,'eFlr',1795297550115613,NULL,NULL,NULL,0,0);
CREATE TABLE api_keys (
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
, last_used_agent text, last_used_route text);
INSERT INTO "api_keys" VALUES('key_315aRmKQEj1sy7Qs','acc_DBHceLqoO5Eqgqj2','first-key','first-key','standard','live',NULL,'*','','kd_live_','JO9H',1795297550035786,'usr_H6L8mBeMCmlOlOoy',NULL,NULL,NULL,NULL,NULL,NULL,NULL,1795383950035786,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "api_keys" VALUES('key_9zk9A4EfCcPBTGfd','acc_DBHceLqoO5Eqgqj2','billing','billing','standard','live',NULL,'*','','kd_live_','CpJO',1795297550090111,'usr_H6L8mBeMCmlOlOoy',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,1795297550108402,'127.0.0.1',1795297550108402,'{"at":1795297550108402,"method":"GET","path":"/v1/key","status":200,"ip":"127.0.0.1","user_agent":"","request_id":"req_5pT4GXTF0cORajsn","took":1290}','','GET /v1/key');
INSERT INTO "api_keys" VALUES('key_tqzQVnEqVH8OAEZQ','acc_DBHceLqoO5Eqgqj2','reports','reports','standard','live',NULL,'*','','kd_live_','eFlr',1795297550094421,'usr_H6L8mBeMCmlOlOoy',NULL,NULL,NULL,NULL,NULL,1795297550115613,1795902350115613,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "api_keys" VALUES('key_Prxyy4cKSleYhF41','acc_DBHceLqoO5Eqgqj2','old billing','old billing','standard','live',NULL,'*','','kd_live_','i745',1795297550098299,'usr_H6L8mBeMCmlOlOoy',NULL,NULL,NULL,1795297550120110,'usr_H6L8mBeMCmlOlOoy',NULL,NULL,NULL,NULL,NULL,NULL,1795297550111987,'127.0.0.1',1795297550111987,'{"at":1795297550111987,"method":"GET","path":"/v1/key","status":200,"ip":"127.0.0.1","user_agent":"","request_id":"req_r5XymBCYSSqSxSAw","took":1213}','','GET /v1/key');
INSERT INTO "api_keys" VALUES('key_wQKRlfjSIf31YyH3','acc_DBHceLqoO5Eqgqj2','sleeping','sleeping','standard','live',NULL,'*','','kd_live_','6hNR',1795297550101980,'usr_H6L8mBeMCmlOlOoy',NULL,NULL,1795297550124027,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "api_keys" VALUES('key_VyoJsJBGNki81PHB','acc_DBHceLqoO5Eqgqj2','orders','orders','restricted','live','inb_4BkgToD2bdWrEI2X','mail:read','','kd_live_','9yFF',1795297550105711,'usr_H6L8mBeMCmlOlOoy',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,1795297550110389,'127.0.0.1',1795297550110389,'{"at":1795297550110389,"method":"GET","path":"/v1/key","status":200,"ip":"127.0.0.1","user_agent":"","request_id":"req_VRPS8VblkYZxQ9Pe","took":881}','','GET /v1/key');
CREATE TABLE audit_events (
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
INSERT INTO "audit_events" VALUES('acc_DBHceLqoO5Eqgqj2',1,'evt_g95vC2p9eA7jCs5L',1795297550035786,'account.created','user','usr_H6L8mBeMCmlOlOoy','Alice','administrator','','127.0.0.1','','req_c5IJ7lGx06EdrEYv','acc_DBHceLqoO5Eqgqj2','Halden','','8b3d1562a07338367d2574da42abd4ad80e6178452200c5132f1c0c6c9ef733e');
INSERT INTO "audit_events" VALUES('acc_DBHceLqoO5Eqgqj2',2,'evt_ax6LnqRY92lEHGut',1795297550035786,'key.created','user','usr_H6L8mBeMCmlOlOoy','Alice','administrator','','127.0.0.1','','req_c5IJ7lGx06EdrEYv','key_315aRmKQEj1sy7Qs','first-key','','b6a981c90bbff9c65df747bf6f1a6f69c194d40c03f40d0b55a82d8a4a998c6e');
INSERT INTO "audit_events" VALUES('acc_DBHceLqoO5Eqgqj2',3,'evt_pTaErzu4RkhLHRt3',1795297550039127,'session.created','user','usr_H6L8mBeMCmlOlOoy','Alice','administrator','ses_RQULkGmSpFTs5Dn2','127.0.0.1','','req_c5IJ7lGx06EdrEYv','usr_H6L8mBeMCmlOlOoy','alice@halden.example','','4832e1314c2674a651d4a37eebc763fce4cd0d80a29f2f77951f990569ef69b5');
INSERT INTO "audit_events" VALUES('acc_DBHceLqoO5Eqgqj2',4,'evt_5onkZ39jeaJVuXQk',1795297550076888,'session.created','user','usr_H6L8mBeMCmlOlOoy','Alice','administrator','ses_1CnXSZcUTGe2VtPs','127.0.0.1','','req_bVL7OrwvVfXLB0Ux','usr_H6L8mBeMCmlOlOoy','alice@halden.example','','a6ca8a610741afd715d7590e18ce1137439857a5de3cf3a611090e96b9dde174');
INSERT INTO "audit_events" VALUES('acc_DBHceLqoO5Eqgqj2',5,'evt_Kyz8uD4c444imMxw',1795297550086583,'inbox.created','user','usr_H6L8mBeMCmlOlOoy','Alice','administrator','ses_1CnXSZcUTGe2VtPs','127.0.0.1','','req_cEfuqW0m5j8Iga1K','inb_4BkgToD2bdWrEI2X','Orders','','37a711618d12f2371bb1ed27b46a46e412667cb0caba8e35f138cbd85827dbef');
INSERT INTO "audit_events" VALUES('acc_DBHceLqoO5Eqgqj2',6,'evt_Y8thfaehGj5Dlchf',1795297550090111,'key.created','user','usr_H6L8mBeMCmlOlOoy','Alice','administrator','ses_1CnXSZcUTGe2VtPs','127.0.0.1','','req_NZe0yE1DfDzZlAyB','key_9zk9A4EfCcPBTGfd','billing','','05c7ee06abb7f6ec5e6b4c6e9ccb5fd9c2efcf93ee4911918041eb9396c3e8ae');
INSERT INTO "audit_events" VALUES('acc_DBHceLqoO5Eqgqj2',7,'evt_euw5hv7FploPVsUR',1795297550094421,'key.created','user','usr_H6L8mBeMCmlOlOoy','Alice','administrator','ses_1CnXSZcUTGe2VtPs','127.0.0.1','','req_zlJ3UWU60B1QGyvx','key_tqzQVnEqVH8OAEZQ','reports','','0e27502e561e0fc9436e18a2768b9725f42cb4c868e2becc5d7e57c732470237');
INSERT INTO "audit_events" VALUES('acc_DBHceLqoO5Eqgqj2',8,'evt_bRIpdrSJmMaMS3HI',1795297550098299,'key.created','user','usr_H6L8mBeMCmlOlOoy','Alice','administrator','ses_1CnXSZcUTGe2VtPs','127.0.0.1','','req_5yLsb2GenrFE6yQs','key_Prxyy4cKSleYhF41','old billing','','f3d52dc9457fa7480559bfa5d0fb76b0ce7acf2fd4d5a34b1e950dcbcd470d8c');
INSERT INTO "audit_events" VALUES('acc_DBHceLqoO5Eqgqj2',9,'evt_7G20ew5lVbJQPKqi',1795297550101980,'key.created','user','usr_H6L8mBeMCmlOlOoy','Alice','administrator','ses_1CnXSZcUTGe2VtPs','127.0.0.1','','req_GzCghCDr9P158TBU','key_wQKRlfjSIf31YyH3','sleeping','','36479751dd2115bacbe706bb369a9ee6f7da38022bcfb363ab229981a84e865e');
INSERT INTO "audit_events" VALUES('acc_DBHceLqoO5Eqgqj2',10,'evt_MLKOCiN8iO6tb37B',1795297550105711,'key.created','user','usr_H6L8mBeMCmlOlOoy','Alice','administrator','ses_1CnXSZcUTGe2VtPs','127.0.0.1','','req_4ENvn96lCnkmKR8p','key_VyoJsJBGNki81PHB','orders','','f84690bba7dea238b443083ce9ff1149d956613d00ec59f6af8e638900969f99');
INSERT INTO "audit_events" VALUES('acc_DBHceLqoO5Eqgqj2',11,'evt_SNfGe7zvnYMrUvzX',1795297550115613,'key.rotated','user','usr_H6L8mBeMCmlOlOoy','Alice','administrator','ses_1CnXSZcUTGe2VtPs','127.0.0.1','','req_RYsPxqLy1U2tiaLr','key_tqzQVnEqVH8OAEZQ','reports','old key stops in 7 days','56ca23e9082a34815d8f3dd96deecfc0b8d2f5996da871e319420374c67087b5');
INSERT INTO "audit_events" VALUES('acc_DBHceLqoO5Eqgqj2',12,'evt_MRhNFj8ubwgvBUkU',1795297550120110,'key.deleted','user','usr_H6L8mBeMCmlOlOoy','Alice','administrator','ses_RQULkGmSpFTs5Dn2','127.0.0.1','','req_QEeXFKzPQ5zy8BRl','key_Prxyy4cKSleYhF41','old billing','','603fcf355758b22e97586275eae98ca345b21359cf9e30f71d247974020f82ab');
INSERT INTO "audit_events" VALUES('acc_DBHceLqoO5Eqgqj2',13,'evt_e5mv4ZNvsF0hcvEC',1795297550124027,'key.paused','user','usr_H6L8mBeMCmlOlOoy','Alice','administrator','ses_RQULkGmSpFTs5Dn2','127.0.0.1','','req_DFk0SRxhXYOYEdxo','key_wQKRlfjSIf31YyH3','sleeping','','811dd5846ddded82ea02eb04bf182de0060b3e7373ca7fd4b03d993137743091');
INSERT INTO "audit_events" VALUES('acc_DBHceLqoO5Eqgqj2',14,'evt_BM9RY9Jn874aBvit',1795297550127790,'key.noted','user','usr_H6L8mBeMCmlOlOoy','Alice','administrator','ses_RQULkGmSpFTs5Dn2','127.0.0.1','','req_B9bi3tRXxPPY86wZ','key_9zk9A4EfCcPBTGfd','billing','“Used by the invoices, ask Ana.”','fd412675e1b4183bddf860f73495b2f91ee2955eb0d6fb5976b559d1f9d610ff');
INSERT INTO "audit_events" VALUES('acc_DBHceLqoO5Eqgqj2',15,'evt_ucS8dMMGUUcSC0b5',1795297550131724,'member.invited','user','usr_H6L8mBeMCmlOlOoy','Alice','administrator','ses_RQULkGmSpFTs5Dn2','127.0.0.1','','req_mpjct7zpYF8jdK9G','inv_OTsOGj76OTI5YcqA','ana@halden.example','as an auditor','3793cb4f4c227a0715e56800bd3332c632f0f8d84f1633d1a3765bc15c4fa851');
CREATE TABLE authenticators (
    user_id text primary key references users (id),
    -- The shared secret (RFC 6238), encrypted under a key from outside the database, for this user only.
    sealed_secret text not null,
    created_at bigint not null,
    -- The step, of 30 seconds since the Unix epoch, of the newest code that was taken: it and older ones are refused.
    last_step bigint not null
);
CREATE TABLE devices (
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
INSERT INTO "devices" VALUES('8977ecea8df959a1848bf48ff79487cb226d5d65f82466a90db70358081bdc6f','usr_H6L8mBeMCmlOlOoy','browser',1795297550039127,1795297550039127,'','ses_RQULkGmSpFTs5Dn2');
INSERT INTO "devices" VALUES('cc68e43903bc0351d76a093a00d80c64355a4b82bb21342e33d1dd4dad1611f9','usr_H6L8mBeMCmlOlOoy','program',1795297550076888,1795297550076888,'','ses_1CnXSZcUTGe2VtPs');
CREATE TABLE errands (
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
, about text not null default '');
INSERT INTO "errands" VALUES('err_sFMXKF8fboA7bFI1','verify_email','verify_email usr_H6L8mBeMCmlOlOoy','alice@halden.example',1795297550035786,1795297595042277,1,1795297550049555,NULL,'','');
INSERT INTO "errands" VALUES('err_7rSfPY5ngo1H1RMg','new_device','new_device evt_fu0DkKbZfRzoqU1L','alice@halden.example',1795297550076888,1795297595078721,1,1795297550082144,NULL,'','ses_1CnXSZcUTGe2VtPs');
INSERT INTO "errands" VALUES('err_26mogYy6LM8zevvY','invitation','invitation evt_29GApBZ7u2kpf7wh','ana@halden.example',1795297550131724,1795297595133656,1,NULL,NULL,'','inv_OTsOGj76OTI5YcqA');
CREATE TABLE idempotency_keys (
    account_id text not null references accounts (id),
    key text not null,
    -- A digest of what was asked for: the same key with another request is a mistake of the caller.
    request text not null,
    resource_id text not null,
    created_at bigint not null,
    primary key (account_id, key)
);
CREATE TABLE identities (
    issuer text not null,
    subject text not null,
    user_id text not null references users (id),
    email text not null,
    created_at bigint not null,
    last_used_at bigint not null,
    primary key (issuer, subject)
);
CREATE TABLE inboxes (
    id text primary key,
    account_id text not null references accounts (id),
    name text not null,
    name_folded text not null,
    address text not null,
    created_at bigint not null,
    deleted_at bigint
);
INSERT INTO "inboxes" VALUES('inb_4BkgToD2bdWrEI2X','acc_DBHceLqoO5Eqgqj2','Orders','orders','orders-wqub@in.localhost',1795297550086634,NULL);
CREATE TABLE installation (
    -- Always 1: two nodes that start at once agree on one row.
    one bigint primary key,
    id text not null,
    created_at bigint not null
, scopes_counted_since bigint);
INSERT INTO "installation" VALUES(1,'ins_pPzYSohwV50429Ii',1795297549891938,1795297549894449);
CREATE TABLE invitations (
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
INSERT INTO "invitations" VALUES('inv_OTsOGj76OTI5YcqA','acc_DBHceLqoO5Eqgqj2','ana@halden.example','ana@halden.example','auditor','usr_H6L8mBeMCmlOlOoy',1795297550131724,1795902350131724,NULL,NULL,NULL);
CREATE TABLE kept_secrets (
    key_id text primary key references api_keys (id),
    account_id text not null references accounts (id),
    wrapped_key text not null,
    sealed text not null,
    created_at bigint not null
);
CREATE TABLE key_notes (
    id text primary key,
    account_id text not null references accounts (id),
    key_id text not null references api_keys (id),
    author_id text not null references users (id),
    body text not null,
    created_at bigint not null
);
INSERT INTO "key_notes" VALUES('not_yTH0Qc3YSfgle9Uy','acc_DBHceLqoO5Eqgqj2','key_9zk9A4EfCcPBTGfd','usr_H6L8mBeMCmlOlOoy','Used by the invoices, ask Ana.',1795297550127790);
CREATE TABLE key_reminders (
    key_id text not null references api_keys (id),
    kind text not null,
    -- What it is about: the moment of the expiry, of the rotation that is due, or the beginning of the hour that stood out.
    at bigint not null,
    told_at bigint not null,
    primary key (key_id, kind, at)
);
CREATE TABLE mailed_links (
    token_hash text primary key,
    -- reset or verify.
    kind text not null,
    user_id text not null references users (id),
    created_at bigint not null,
    expires_at bigint not null,
    -- Used, or made void by a newer one.
    used_at bigint
);
INSERT INTO "mailed_links" VALUES('163998dad59fa0020bcaa9d721fa7ec271c59133ee881c99f1c2f296ba0240b9','verify','usr_H6L8mBeMCmlOlOoy',1795297550045845,1795556750045845,NULL);
CREATE TABLE oidc_transactions (
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
CREATE TABLE passkeys (
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
CREATE TABLE recovery_codes (
    -- SHA-256 of 120 random bits.
    code_hash text primary key,
    user_id text not null references users (id),
    created_at bigint not null,
    spent_at bigint
);
CREATE TABLE refresh_tokens (
    token_hash text primary key,
    session_id text not null references sessions (id),
    created_at bigint not null,
    expires_at bigint not null,
    -- A spent token that comes again ends its session: somebody copied it.
    spent_at bigint
, successor_salt text);
INSERT INTO "refresh_tokens" VALUES('0812b18921385e67feb6f99fb04667baab5a826b104cba921aca84e356a61ac6','ses_1CnXSZcUTGe2VtPs',1795297550076888,1797889550076888,1795297550082766,'48b0f357ff6d4ff1e23dc9bc7a54315f224e9adb48acb8a72446f80f64299fb0');
INSERT INTO "refresh_tokens" VALUES('fd1c4e1c54a31913832ca5f56e501703cc6d16e9382313487376d8a94cb7f9b3','ses_1CnXSZcUTGe2VtPs',1795297550082766,1797889550082766,NULL,NULL);
CREATE TABLE refusals (
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
INSERT INTO "refusals" VALUES('req_DSHOhmSFzOOoKKHs',1795297550113834,'scope_missing','acc_DBHceLqoO5Eqgqj2','key_VyoJsJBGNki81PHB','9yFF','GET','/v1/usage','127.0.0.1','','keys:read','','mail:read');
CREATE TABLE refusals_not_kept (
    -- Hours since the Unix epoch.
    hour bigint primary key,
    count bigint not null
);
CREATE TABLE sealed_secrets (
    key_id text primary key references api_keys (id),
    account_id text not null references accounts (id),
    sealed text not null,
    expires_at bigint not null
);
INSERT INTO "sealed_secrets" VALUES('key_315aRmKQEj1sy7Qs','acc_DBHceLqoO5Eqgqj2','ekPsuB31qtehmgYe9WIe6zCwfuTge4G+9ucNQsazq6fIpMjcC/aFz/fIhF+68t1yWBikMAT4uRZ7YbYw2h0FjlSmaiAq4HTrm1LW0vmI4t9nBRItKpm1ONFKhrE3P9GHOA',1795383950035786);
CREATE TABLE secret_prefixes (
    prefix text primary key,
    first_issued_at bigint not null
);
INSERT INTO "secret_prefixes" VALUES('kd_test_',1795297549897211);
INSERT INTO "secret_prefixes" VALUES('kd_live_',1795297549897211);
CREATE TABLE session_keys (
    generation bigint primary key,
    published_at bigint not null,
    signs_from bigint not null,
    -- The end of its verifying; null for the newest, which nothing follows yet.
    verifies_until bigint,
    -- When it was given up at once: no token of it counts from then on, whatever the clock of a node says.
    dropped_at bigint
);
INSERT INTO "session_keys" VALUES(1,0,0,NULL,NULL);
CREATE TABLE sessions (
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
, authenticated_at bigint, amr text not null default 'pwd');
INSERT INTO "sessions" VALUES('ses_RQULkGmSpFTs5Dn2','usr_H6L8mBeMCmlOlOoy','browser',1795297550039127,1795297550039127,1795340750039127,0,NULL,'127.0.0.1','',1795297550039127,'pwd');
INSERT INTO "sessions" VALUES('ses_1CnXSZcUTGe2VtPs','usr_H6L8mBeMCmlOlOoy','api',1795297550076888,1795297550076888,1797889550076888,1,NULL,'127.0.0.1','',1795297550076888,'pwd');
ANALYZE "sqlite_master";
INSERT INTO "sqlite_stat1" VALUES('audit_events','sqlite_autoindex_audit_events_1','1000000 1');
INSERT INTO "sqlite_stat1" VALUES('audit_events','sqlite_autoindex_audit_events_2','1000000 10000 1');
INSERT INTO "sqlite_stat1" VALUES('audit_events','audit_events_of_target','1000000 10000 20 1');
INSERT INTO "sqlite_stat1" VALUES('audit_events','audit_events_by_time','1000000 10000 2 1');
INSERT INTO "sqlite_stat1" VALUES('audit_events','audit_events_of_target_by_time','1000000 10000 20 2 1');
INSERT INTO "sqlite_stat1" VALUES('audit_events','audit_events_from_address_by_time','1000000 10000 200 2 1');
INSERT INTO "sqlite_stat1" VALUES('audit_events','audit_events_of_actor_by_time','1000000 10000 500 2 1');
INSERT INTO "sqlite_stat1" VALUES('audit_events','audit_events_of_action_by_time','1000000 10000 1000 2 1');
CREATE TABLE usage_addresses (
    key_id text not null references api_keys (id),
    ip text not null,
    last_seen_at bigint not null,
    primary key (key_id, ip)
);
INSERT INTO "usage_addresses" VALUES('key_9zk9A4EfCcPBTGfd','127.0.0.1',1795297550108402);
INSERT INTO "usage_addresses" VALUES('key_Prxyy4cKSleYhF41','127.0.0.1',1795297550111987);
INSERT INTO "usage_addresses" VALUES('key_VyoJsJBGNki81PHB','127.0.0.1',1795297550110389);
CREATE TABLE usage_days (
    key_id text not null references api_keys (id),
    -- Days since the Unix epoch.
    day bigint not null,
    ok bigint not null,
    refused bigint not null, account_id text references accounts (id), ok_old bigint not null default 0,
    primary key (key_id, day)
);
INSERT INTO "usage_days" VALUES('key_9zk9A4EfCcPBTGfd',20778,1,0,'acc_DBHceLqoO5Eqgqj2',0);
INSERT INTO "usage_days" VALUES('key_Prxyy4cKSleYhF41',20778,1,0,'acc_DBHceLqoO5Eqgqj2',0);
INSERT INTO "usage_days" VALUES('key_VyoJsJBGNki81PHB',20778,1,1,'acc_DBHceLqoO5Eqgqj2',0);
CREATE TABLE usage_hours (
    key_id text not null references api_keys (id),
    -- Hours since the Unix epoch.
    hour bigint not null,
    ok bigint not null,
    refused bigint not null, account_id text references accounts (id), ok_old bigint not null default 0,
    primary key (key_id, hour)
);
INSERT INTO "usage_hours" VALUES('key_9zk9A4EfCcPBTGfd',498693,1,0,'acc_DBHceLqoO5Eqgqj2',0);
INSERT INTO "usage_hours" VALUES('key_Prxyy4cKSleYhF41',498693,1,0,'acc_DBHceLqoO5Eqgqj2',0);
INSERT INTO "usage_hours" VALUES('key_VyoJsJBGNki81PHB',498693,1,1,'acc_DBHceLqoO5Eqgqj2',0);
CREATE TABLE usage_refusal_days (
    key_id text not null references api_keys (id),
    day bigint not null,
    reason text not null,
    count bigint not null,
    primary key (key_id, day, reason)
);
INSERT INTO "usage_refusal_days" VALUES('key_VyoJsJBGNki81PHB',20778,'scope_missing',1);
CREATE TABLE usage_refusals (
    key_id text not null references api_keys (id),
    hour bigint not null,
    reason text not null,
    count bigint not null,
    primary key (key_id, hour, reason)
);
INSERT INTO "usage_refusals" VALUES('key_VyoJsJBGNki81PHB',498693,'scope_missing',1);
CREATE TABLE usage_scopes (
    key_id text not null references api_keys (id),
    scope text not null,
    last_used_at bigint not null,
    primary key (key_id, scope)
);
CREATE TABLE users (
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
, email_verified_at bigint, password_changed_at bigint, removed_at bigint);
INSERT INTO "users" VALUES('usr_H6L8mBeMCmlOlOoy','acc_DBHceLqoO5Eqgqj2','alice@halden.example','alice@halden.example','Alice','administrator','$argon2id$v=19$m=19456,t=2,p=1$L9fMyT3edC6BglXvgX23AQ$Eh0XjJ7xdauwmeyyI6Mx33eAr2byd2xCvzUqcLoMS5Q',NULL,1795297550035786,1795297550076888,NULL,NULL,NULL);
CREATE TABLE web_sessions (
    id_hash text primary key,
    data text not null,
    expires_at bigint not null
);
INSERT INTO "web_sessions" VALUES('57cea3df442fa541dbbe686db4f9c88c6311962d8ad0dc18b9e768937ffb0f47','{"sid":"ses_RQULkGmSpFTs5Dn2","flash":{"kind":"good","link":null,"name":"ana@halden.example","text":" is invited as an auditor. The link in the mail works for 7 days."}}',1797889550133919);
CREATE INDEX users_of_account on users (account_id, created_at);
CREATE INDEX sessions_of_user on sessions (user_id, created_at);
CREATE UNIQUE INDEX inboxes_by_name on inboxes (account_id, name_folded) where deleted_at is null;
CREATE UNIQUE INDEX api_keys_by_name on api_keys (account_id, environment, name_folded) where deleted_at is null;
CREATE INDEX api_keys_by_use on api_keys (account_id, last_used_at, id);
CREATE INDEX api_keys_by_creation on api_keys (account_id, created_at, id);
CREATE INDEX api_keys_of_inbox on api_keys (inbox_id) where inbox_id is not null;
CREATE INDEX api_key_secrets_of_key on api_key_secrets (key_id);
CREATE INDEX audit_events_of_target on audit_events (account_id, target_id, seq);
CREATE INDEX usage_hours_of_account on usage_hours (account_id, hour, key_id);
CREATE INDEX usage_days_of_account on usage_days (account_id, day, key_id);
CREATE INDEX kept_secrets_of_account on kept_secrets (account_id, key_id);
CREATE INDEX errands_due on errands (due_at) where done_at is null and given_up_at is null;
CREATE INDEX errands_of_the_past on errands (created_at);
CREATE INDEX mailed_links_of_user on mailed_links (user_id, kind);
CREATE INDEX oidc_transactions_of_the_past on oidc_transactions (expires_at);
CREATE UNIQUE INDEX identities_of_user on identities (user_id, issuer);
CREATE UNIQUE INDEX invitations_open on invitations (account_id, email_folded)
where accepted_at is null and withdrawn_at is null;
CREATE INDEX recovery_codes_of_user on recovery_codes (user_id);
CREATE INDEX passkeys_of_user on passkeys (user_id);
CREATE INDEX refresh_tokens_in_grace on refresh_tokens (spent_at)
where successor_salt is not null;
CREATE INDEX devices_of_user on devices (user_id, kind, last_seen_at);
CREATE INDEX devices_of_session on devices (session_id) where session_id is not null;
CREATE INDEX devices_of_the_past on devices (last_seen_at);
CREATE INDEX accounts_to_checkpoint on accounts (checkpoint_at) where audit_seq <> checkpoint_seq;
CREATE INDEX audit_events_by_time on audit_events (account_id, at, seq);
CREATE INDEX audit_events_of_target_by_time on audit_events (account_id, target_id, at, seq);
CREATE INDEX audit_events_of_actor_by_time on audit_events (account_id, actor_id, at, seq);
CREATE INDEX audit_events_of_action_by_time on audit_events (account_id, action, at, seq);
CREATE INDEX audit_events_from_address_by_time on audit_events (account_id, ip, at, seq);
CREATE TRIGGER audit_events_are_not_updated before update on audit_events
begin
    select raise(abort, 'audit events are append-only');
end;
CREATE TRIGGER audit_events_are_not_deleted before delete on audit_events
begin
    select raise(abort, 'audit events are append-only');
end;
CREATE TRIGGER audit_events_are_not_replaced before insert on audit_events
when exists (
    select 1 from audit_events
    where (account_id = new.account_id and seq = new.seq)
    or id = new.id
)
begin
    select raise(abort, 'audit events are append-only');
end;
CREATE INDEX users_removed on users (account_id, id)
where removed_at is not null;
CREATE INDEX refusals_by_time on refusals (at);
CREATE INDEX refusals_of_owner on refusals (account_id, at);
CREATE INDEX refusals_of_key on refusals (key_id, at);
CREATE INDEX api_key_secrets_by_ending on api_key_secrets (last4);
CREATE INDEX key_notes_of_key on key_notes (account_id, key_id, created_at);
CREATE INDEX key_reminders_of_the_past on key_reminders (told_at);
CREATE INDEX api_keys_by_expiry on api_keys (expires_at, id) where expires_at is not null and deleted_at is null;
CREATE INDEX api_keys_by_age_of_secret on api_keys (coalesce(rotated_at, created_at), id) where deleted_at is null;
CREATE INDEX usage_hours_that_count on usage_hours (hour, key_id) where ok + refused >= 100;
CREATE INDEX errands_of_recipient on errands (recipient, kind, created_at);
COMMIT;
