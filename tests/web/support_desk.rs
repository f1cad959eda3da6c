//! Support: why a request was refused, for staff alone, read only, and known to the customer; and what is kept of refused
//! requests, bounded and without a secret.

use axum::http::Method;
use keydesk::clock::{days, hours};
use keydesk::gate::reason::Reason;
use keydesk::product::Route;
use keydesk::store::users;

use crate::support::{Actor, Answer, TestApp, key_path, logged};

impl TestApp {
    /// Support staff, with an account of their own.
    async fn priya(&self) -> Actor {
        let priya = self.signed_up("Support desk", "priya@desk.example").await;
        let (user, _) = users::find_by_email(&self.app.db, &priya.email).await.expect("a read").expect("Priya");
        let author = Self::author();
        users::set_staff(&self.app.db, &self.app.act(&author), &user, true).await.expect("the flag");
        priya
    }

    async fn refusals_kept(&self) -> i64 {
        self.flush().await;
        self.count("select count(*) from refusals").await
    }
}

fn request_id(refused: &Answer) -> String {
    assert!(refused.status >= 400, "{}", refused.text());
    refused.header("x-request-id").to_owned()
}

/// Looks a refused request up by its id.
async fn explained(priya: &Actor, refused: &Answer) -> Answer {
    let id = request_id(refused);
    let found = priya.post("/support", &[("q", &format!(" {id} "))]).await;
    found.redirects_to(&format!("/support/requests/{id}"));
    let page = priya.get(found.location()).await;
    assert_eq!(page.status, 200, "{}", page.text());
    page.says(&format!("Your request {id} ("));
    page
}

#[tokio::test]
async fn a_refused_request_is_explained_with_its_checks_and_a_sentence_for_the_customer() {
    let desk = TestApp::new().await;
    let (alice, priya) = (desk.alice().await, desk.priya().await);
    let key = alice.key("billing-worker", &[("preset", "custom"), ("scopes[]", "mail:send")]).await;
    let refused = desk.holder(&key.secret).asks("scope=mail:read").await;
    let page = explained(&priya, &refused).await;
    page.has_heading("A scope is missing");
    page.says("What came: A key with mail:send");
    page.says("What was needed: The scope mail:read");
    page.says("was refused because the key billing-worker (kd_live_…");
    page.says(
        "does not have the scope mail:read. An administrator can give it mail:read: Change scopes, on its page under",
    );
    page.says("The key is known · Passed");
    page.says("It has the scope · Failed");
    page.says("It has requests left in this minute · Not asked");
    page.says("Halden Freight");
    let own = alice.get(&key_path(&key.id, "")).await;
    own.says("Recent refusals");
    own.says(&request_id(&refused));
    desk.bob().await.get(&key_path(&key.id, "")).await.says_nothing_of(&request_id(&refused));
}

#[tokio::test]
async fn a_missing_scope_is_mended_where_it_can_be() {
    let desk = TestApp::new().await;
    let (alice, priya) = (desk.alice().await, desk.priya().await);
    let inbox = alice.inbox("Orders").await;
    let fields = [("type", "restricted"), ("inbox", inbox.as_str()), ("preset", "custom"), ("scopes[]", "mail:send")];
    let bound = alice.key("bound", &fields).await;
    // What the form of a restricted key does not offer, though no rule of ours forbids it.
    let never = desk.holder(&bound.secret).asks("scope=domains:read").await;
    explained(&priya, &never).await.says("No restricted key can have it. An administrator can create a standard key");
    let given = desk.holder(&bound.secret).asks("scope=mail:read").await;
    explained(&priya, &given).await.says("An administrator can give it mail:read: Change scopes");
    alice.post(&key_path(&bound.id, "delete"), &[("name", "bound")]).await.redirects_to("/settings/api-keys");
    let gone = explained(&priya, &given).await;
    gone.says("An administrator can create a key with mail:read under");
    gone.says_nothing_of("Change scopes");
}

/// Every reason, each by a request that is refused for it.
#[tokio::test]
async fn every_reason_is_explained() {
    let route = Route { method: "GET".into(), path: "/v1/messages".into(), scope: "mail:read".into() };
    let desk = TestApp::with_product(|product| {
        product.rate_limit.per_minute = 2;
        product.routes = vec![route];
    })
    .await;
    let cast = desk.cast().await;
    let priya = desk.priya().await;
    let holder = |name: &str| desk.holder(cast.secret(name)).at("198.51.100.77");
    let unknown = keydesk::model::secret::Secret::generate("kd_live_", &keydesk::entropy::Entropy::seeded(9));
    let unknown = desk.holder(unknown.reveal());
    let mut refused = vec![
        ("input_ambiguous", desk.holder("x").asks("scope=a&scope=b").await),
        ("input_ambiguous", holder("full, live").asks("scope=odd").await),
        ("credential_missing", desk.visitor().asks("").await),
        ("credential_malformed", desk.holder("x").asks("scope=mail:send").await),
        ("key_unknown", unknown.asks("scope=mail:send").await),
        ("session_ended", holder("signed out").asks("scope=mail:send").await),
        ("key_deleted", holder("deleted").asks("scope=mail:send").await),
        ("key_expired", holder("expired").asks("scope=mail:send").await),
        ("key_paused", holder("paused").asks("scope=mail:send").await),
        ("secret_rotated", holder("rotated out").asks("scope=mail:send").await),
        ("address_not_allowed", holder("homely").asks("scope=mail:send").await),
        ("route_unknown", holder("full, test").asks("").await),
        ("inbox_out_of_reach", holder("bound sender").asks(&format!("scope=mail:send&inbox={}", cast.other)).await),
        ("scope_missing", holder("sender").asks("scope=mail:read").await),
    ];
    let manager = holder("manager");
    for _ in 0..2 {
        manager.asks("scope=keys:read").await;
    }
    refused.push(("rate_limited", manager.asks("scope=keys:read").await));
    for number in 0..600 {
        let garbage =
            keydesk::model::secret::Secret::generate("kd_live_", &keydesk::entropy::Entropy::seeded(1000 + number));
        let answer = desk.holder(garbage.reveal()).at("192.0.2.1").asks("scope=mail:send").await;
        if answer.status == 429 {
            desk.pass(std::time::Duration::from_secs(60));
            break;
        }
    }
    desk.pass(std::time::Duration::from_millis(1));
    for (reason, answer) in &refused {
        desk.pass(std::time::Duration::from_secs(20));
        let page = explained(&priya, answer).await;
        assert!(page.codes().iter().any(|code| code == reason), "{reason}: {}", page.text());
        page.says("· Failed");
    }
    let seen: Vec<&str> = refused.iter().map(|(reason, _)| *reason).collect();
    let left: Vec<&str> = Reason::ALL.into_iter().map(Reason::code).filter(|reason| !seen.contains(reason)).collect();
    assert_eq!(left, ["https_required", "source_throttled"], "these have tests of their own");
}

#[tokio::test]
async fn plain_http_and_a_throttled_source_are_explained() {
    let desk = TestApp::over_https().await;
    desk.flush().await;
    let refused = desk
        .visitor()
        .at("198.51.100.9")
        .ask(Method::GET, "/gate/authorize")
        .with("authorization", "Bearer kd_x")
        .send()
        .await;
    assert_eq!((refused.status, refused.code().as_str()), (403, "https_required"));
    desk.flush().await;
    let row = "select count(*) from refusals where reason = 'https_required' and account_id = '' and last4 = ''";
    assert_eq!(desk.count(row).await, 1);
    let desk = TestApp::new().await;
    let priya = desk.priya().await;
    let row = "insert into refusals (request_id, at, reason, account_id, key_id, last4, method, path, ip, user_agent, scopes, inboxes, had)
        values ('req_REASON', 1, 'REASON', '', '', '', 'GET', '/v1/key', '192.0.2.1', '', '', '', '')";
    for (reason, words) in [("https_required", "over plain HTTP"), ("source_throttled", "Too many unknown keys")] {
        desk.database.run(&row.replace("REASON", reason)).await;
        priya.get(&format!("/support/requests/req_{reason}")).await.says(words);
    }
}

#[tokio::test]
async fn refusals_of_the_api_are_kept_like_those_of_the_gate() {
    let desk = TestApp::new().await;
    let (alice, priya) = (desk.alice().await, desk.priya().await);
    let key = alice.key("sender", &[("preset", "custom"), ("scopes[]", "mail:send")]).await;
    let program = desk.holder(&key.secret);
    explained(&priya, &program.get("/v1/keys").await).await.says("What was needed: The scope keys:read");
    alice.post(&key_path(&key.id, "delete"), &[("name", "sender")]).await;
    explained(&priya, &program.get("/v1/key").await)
        .await
        .has_heading("This key was deleted on 21 Nov 2026, 14:05 UTC");
    let question = serde_json::json!({ "secret": key.secret, "scope": "mail:send" });
    explained(&priya, &desk.visitor().post_json("/gate/verify", &question).await).await.says("sender");
    let before = desk.refusals_kept().await;
    assert_eq!(program.get("/v1/nowhere").await.status, 404);
    assert_eq!(desk.refusals_kept().await, before, "what the gate did not refuse is not kept");
}

#[tokio::test]
async fn nothing_of_what_passes_is_kept() {
    let desk = TestApp::new().await;
    let key = desk.alice().await.key("billing", &[]).await;
    desk.holder(&key.secret).asks("scope=mail:send").await;
    desk.holder(&key.secret).get("/v1/key").await;
    assert_eq!(desk.refusals_kept().await, 0);
}

#[tokio::test]
async fn customers_have_no_support_page_and_staff_find_theirs_in_the_navigation() {
    let desk = TestApp::new().await;
    let (alice, priya) = (desk.alice().await, desk.priya().await);
    let key = alice.key("billing", &[]).await;
    let refused = request_id(&desk.holder(&key.secret).asks("scope=odd").await);
    for person in [&alice, &desk.amir(&alice).await, &desk.mei(&alice).await, &desk.bob().await] {
        for path in ["/support", &format!("/support/keys/{}", key.id), &format!("/support/requests/{refused}")] {
            assert_eq!(person.get(path).await.status, 404, "{path} by {}", person.email);
        }
        assert_eq!(person.post("/support", &[("q", &key.secret)]).await.status, 404);
        assert_eq!(person.get("/settings/inboxes").await.link("Support"), None);
    }
    assert_eq!(priya.get("/settings/inboxes").await.link("Support"), Some("/support".into()));
    assert_eq!(priya.get("/support").await.status, 200);
    // Staff see an account through the desk only.
    assert_eq!(priya.get(&key_path(&key.id, "")).await.status, 404);
    users_lose(&desk, &priya).await;
    assert!(priya.get("/support").await.location().starts_with("/sign-in"), "who is no staff any more is signed out");
}

async fn users_lose(desk: &TestApp, priya: &Actor) {
    let (user, _) = users::find_by_email(&desk.app.db, &priya.email).await.expect("a read").expect("Priya");
    let author = TestApp::author();
    users::set_staff(&desk.app.db, &desk.app.act(&author), &user, false).await.expect("the flag");
}

#[tokio::test]
async fn each_look_up_is_in_the_log_of_the_customer_and_of_nobody_else() {
    let desk = TestApp::new().await;
    let (alice, bob, priya) = (desk.alice().await, desk.bob().await, desk.priya().await);
    let key = alice.key("billing", &[]).await;
    let refused = request_id(&desk.holder(&key.secret).asks("scope=odd").await);
    let (of_alice, of_bob, of_priya) =
        (desk.events(&alice).await.len(), desk.events(&bob).await.len(), desk.events(&priya).await.len());
    let last4 = &key.secret[key.secret.len() - 4..];
    priya.get(&format!("/support/keys/{}", key.id)).await.has_heading("billing");
    priya.post("/support", &[("q", &format!("kd_live_…{last4}"))]).await.has_heading("billing");
    priya.post("/support", &[("q", &key.secret)]).await.has_heading("billing");
    priya.get(&format!("/support/requests/{refused}")).await.has_heading("Why this request failed");
    priya.head(&format!("/support/keys/{}", key.id)).await;
    for nothing in ["zzzz", "key_0123456789abcdef", "req_0123456789abcdef", "anything else"] {
        priya.post("/support", &[("q", nothing)]).await;
    }
    let events = desk.events(&alice).await;
    let told: Vec<String> = events[of_alice..].iter().map(|event| event.detail.clone()).collect();
    let by_request = format!("by the request {refused}");
    assert_eq!(told, ["by its ID", "by its last characters", "by the whole key", by_request.as_str()]);
    for event in &events[of_alice..] {
        let who = (event.action.code(), event.actor_kind.as_str(), event.actor_role.as_str(), event.actor_id.as_str());
        assert_eq!(who, ("support.looked_up", "staff", "support", priya.user_id.as_str()));
        assert_eq!((event.target_id.as_str(), event.target_name.as_str()), (key.id.as_str(), "billing"));
    }
    let others = (desk.events(&bob).await.len(), desk.events(&priya).await.len());
    assert_eq!(others, (of_bob, of_priya), "nobody else hears of it");
    alice.get("/settings/audit-log").await.says("Looked up by support, by the whole key");
}

#[tokio::test]
async fn a_whole_key_is_treated_as_leaked_and_neither_shown_kept_nor_logged() {
    let desk = TestApp::new().await;
    let (alice, priya) = (desk.alice().await, desk.priya().await);
    let key = alice.key("billing", &[]).await;
    let part = &key.secret[..40];
    for typed in [key.secret.clone(), format!("KEYDESK_API_KEY={}", key.secret), format!("Bearer {}", key.secret)] {
        let page = priya.post("/support", &[("q", &typed)]).await;
        assert_eq!(page.status, 200);
        page.has_heading("That’s a whole key, not a part of one");
        page.says("an administrator should rotate it now");
        page.says_nothing_of(&key.secret[8..]);
    }
    let page = priya.post("/support", &[("q", part)]).await;
    page.has_heading("That’s a whole key, not a part of one");
    page.says_nothing_of(part);
    let unknown = keydesk::model::secret::Secret::generate("kd_live_", &keydesk::entropy::Entropy::seeded(11));
    let page = priya.post("/support", &[("q", unknown.reveal())]).await;
    assert_eq!(page.status, 404);
    page.has_heading("That’s a whole key, not a part of one");
    page.says_nothing_of(unknown.reveal());
    let raw = String::from_utf8_lossy(&desk.database.raw().await).into_owned();
    for secret in [&key.secret[8..], &unknown.reveal()[8..]] {
        assert!(!raw.contains(secret), "a secret lies in the database");
        assert!(!logged().contains(secret), "a secret was logged");
    }
    assert_eq!(desk.holder(&key.secret).asks("scope=mail:send").await.status, 200, "support changes nothing");
}

#[tokio::test]
async fn no_part_of_a_request_brings_a_secret_into_what_is_kept() {
    let desk = TestApp::with_product(|product| {
        product.routes = vec![Route { method: "GET".into(), path: "/v1/messages".into(), scope: "mail:read".into() }];
    })
    .await;
    let key = desk.alice().await.key("billing", &[]).await;
    let mut program = desk.holder(&key.secret).at("10.0.0.1");
    program.user_agent = format!("acme/1.0 (key={})", key.secret);
    let secret = &key.secret;
    for query in [
        format!("scope={secret}"),
        format!("inbox={secret}"),
        format!("scope=mail:send&inbox=inb.{secret}"),
        format!("token={secret}"),
    ] {
        assert!(program.asks(&query).await.status >= 400, "{query}");
    }
    let uri = format!("/v1/{secret}?key={secret}");
    let ask = program.ask(Method::GET, "/gate/authorize").with("x-original-method", secret);
    assert!(ask.with("x-original-uri", &uri).send().await.status >= 400);
    assert!(program.get(&format!("/v1/keys/{secret}")).await.status >= 400);
    let question = serde_json::json!({ "secret": secret, "scope": secret, "inbox": secret });
    assert!(program.post_json("/gate/verify", &question).await.status >= 400);
    assert!(desk.refusals_kept().await >= 5);
    let raw = String::from_utf8_lossy(&desk.database.raw().await).into_owned();
    let at = raw.find(&secret[8..]).map(|at| raw[at.saturating_sub(80)..].chars().take(80).collect::<String>());
    assert_eq!(at, None, "a secret lies in the database");
    let last4 =
        format!("select count(*) from refusals where last4 <> '' and last4 <> '{}'", &secret[secret.len() - 4..]);
    assert_eq!(desk.count(&last4).await, 0);
}

#[tokio::test]
async fn a_flood_is_sampled_and_counted() {
    let desk = TestApp::new().await;
    let (alice, priya) = (desk.alice().await, desk.priya().await);
    let key = alice.key("billing", &[]).await;
    for _ in 0..200 {
        desk.holder(&key.secret).asks("scope=odd").await;
        desk.visitor().asks("").await;
    }
    assert_eq!(desk.refusals_kept().await, 20 + 10, "of the key in a minute, and of nobody in a second");
    assert_eq!(desk.count("select cast(sum(count) as bigint) from refusals_not_kept").await, 400 - 30);
    let page = priya.get("/support/requests/req_0123456789abcdef").await;
    assert_eq!(page.status, 404);
    page.says("370 refused requests came too fast to be kept one by one");
    desk.pass(std::time::Duration::from_secs(60));
    desk.holder(&key.secret).asks("scope=odd").await;
    assert_eq!(desk.refusals_kept().await, 31, "the next minute is another");
}

#[tokio::test]
async fn refusals_are_forgotten_after_thirty_days_and_one_account_keeps_so_many() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let key = alice.key("billing", &[]).await;
    desk.holder(&key.secret).asks("scope=odd").await;
    desk.pass(days(29));
    desk.holder(&key.secret).asks("scope=odd").await;
    assert_eq!(desk.refusals_kept().await, 2);
    desk.pass(days(1) + hours(1));
    desk.sweep().await;
    assert_eq!(desk.refusals_kept().await, 1);
    let many = "with recursive n (i) as (select 1 union all select i + 1 from n where i < 10500)
        insert into refusals (request_id, at, reason, account_id, key_id, last4, method, path, ip, user_agent, scopes, inboxes, had)
        select 'req_' || i, NOW - i, 'key_unknown', 'OWNER', '', '', 'GET', '/', '192.0.2.1', '', '', '', '' from n";
    let many = many.replace("NOW", &desk.app.now().micros().to_string());
    desk.database.run(&many.replace("OWNER", "").replace("'req_'", "'req_a'")).await;
    desk.database.run(&many.replace("OWNER", "acc_flooded").replace("'req_'", "'req_b'")).await;
    desk.sweep().await;
    assert_eq!(desk.refusals_kept().await, 20_001, "and the key's own stays");
    assert_eq!(desk.count("select count(*) from refusals where request_id = 'req_b1'").await, 1, "the newest stay");
    assert_eq!(desk.count("select count(*) from refusals where request_id = 'req_b10500'").await, 0);
}

#[tokio::test]
async fn an_ending_that_several_keys_share_lists_them_and_tells_each_customer() {
    let desk = TestApp::new().await;
    let (alice, bob, priya) = (desk.alice().await, desk.bob().await, desk.priya().await);
    let (of_alice, of_bob) = (alice.key("one", &[]).await, bob.key("two", &[]).await);
    for key in [&of_alice, &of_bob] {
        desk.database.run(&format!("update api_key_secrets set last4 = '7Qx2' where key_id = '{}'", key.id)).await;
    }
    let page = priya.post("/support", &[("q", "7Qx2")]).await;
    let mut rows = page.rows();
    rows.sort();
    assert_eq!(rows, ["one", "two"]);
    for customer in [&alice, &bob] {
        let last = desk.events(customer).await.pop().expect("an event");
        assert_eq!((last.action.code(), last.detail.as_str()), ("support.looked_up", "by its last characters"));
    }
}

#[tokio::test]
async fn look_ups_of_one_person_are_throttled() {
    let desk = TestApp::new().await;
    let priya = desk.priya().await;
    for _ in 0..30 {
        assert_eq!(priya.post("/support", &[("q", "zzzz")]).await.status, 404);
    }
    let slowed = priya.post("/support", &[("q", "zzzz")]).await;
    assert_eq!(slowed.status, 429);
    slowed.says("Looking up is paused until");
    slowed.says_nothing_of("Sign-in");
    assert_eq!(priya.get("/support/keys/key_0123456789abcdef").await.status, 429);
    assert_eq!(priya.get("/support").await.status, 200);
    desk.pass(std::time::Duration::from_secs(10));
    assert_eq!(priya.post("/support", &[("q", "zzzz")]).await.status, 404);
}

#[tokio::test]
async fn what_cannot_be_looked_up_is_said_beside_the_field_and_not_echoed() {
    let desk = TestApp::new().await;
    let priya = desk.priya().await;
    for typed in ["", "billing worker", "abc", "<b>x</b>"] {
        let page = priya.post("/support", &[("q", typed)]).await;
        assert_eq!(page.status, 422, "{typed}");
        let sentence = "Enter a request ID, a key ID, or the last 4 to 8 characters of a key.";
        assert_eq!((page.field_error("q").as_deref(), page.value_of("q").as_str()), (Some(sentence), ""));
    }
}

#[tokio::test]
async fn a_key_that_works_no_more_says_why_first_and_what_to_tell_the_customer() {
    let desk = TestApp::new().await;
    let (alice, priya) = (desk.alice().await, desk.priya().await);
    let key = alice.key("billing", &[]).await;
    let looked_up = async || priya.get(&format!("/support/keys/{}", key.id)).await;
    looked_up().await.says_nothing_of("Tell the customer");
    alice.post(&key_path(&key.id, "pause"), &[]).await;
    let paused = looked_up().await;
    paused.says("This key was paused on 21 Nov 2026");
    paused.says(
        "Requests with it fail with 401. Tell the customer: An administrator can resume it under Settings → API keys.",
    );
    desk.holder(&key.secret).asks("scope=mail:send").await;
    alice.post(&key_path(&key.id, "delete"), &[("name", "billing")]).await;
    let deleted = looked_up().await;
    deleted.says("This key was deleted on 21 Nov 2026");
    deleted.says("fail with 401, the latest");
    deleted.says("Tell the customer: A deleted key can’t be restored.");
}

#[tokio::test]
async fn an_expired_key_says_when_and_what_renews_it_and_an_unknown_id_is_not_found() {
    let desk = TestApp::new().await;
    let (alice, priya) = (desk.alice().await, desk.priya().await);
    let key = alice.key("billing", &[("expires", "30")]).await;
    desk.pass(days(31));
    let priya = desk.signed_in(&priya.email).await;
    let expired = priya.get(&format!("/support/keys/{}", key.id)).await;
    expired.says("This key expired on ");
    expired.says("rotate it, which gives it a new term");
    let unknown = priya.get("/support/keys/key_0000000000000000").await;
    assert_eq!(unknown.status, 404);
    unknown.says("No key has this ID. Check it character by character: capitals count.");
}

#[tokio::test]
async fn what_mends_a_missing_scope_depends_on_who_lacks_it() {
    let desk = TestApp::with_product(|product| product.api.session_token = true).await;
    let (alice, priya) = (desk.alice().await, desk.priya().await);
    let auditor = desk.amir(&alice).await;
    let refused = desk.token_of(&auditor).await.asks("scope=keys:write").await;
    explained(&priya, &refused).await.says("an administrator of the account can do it, or change the role.");
    let bound = alice.restricted_key("reader", &alice.inbox("Support").await).await;
    let refused = desk.holder(&bound.secret).asks("scope=keys:write").await;
    explained(&priya, &refused).await.says("No restricted key can have it. An administrator can create a standard key");
}
