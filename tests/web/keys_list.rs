//! The list: found, filtered, sorted and paged as the query string says, and never anybody else's.

use std::collections::BTreeSet;

use keydesk::clock::days;
use keydesk::model::api_key::{AllowedIps, KeyType};
use keydesk::model::key_form::NewKey;
use keydesk::model::secret::Secret;
use keydesk::product::Reveal;
use keydesk::store::api_keys::{self, Issue, Issued};
use keydesk::store::usage::{self, KeyUse, LastUse};

use crate::support::{Actor, Answer, TestApp, key_path};

const LIST: &str = "/settings/api-keys";

/// Ids of the keys that a page lists, in its order.
pub fn ids(page: &Answer) -> Vec<String> {
    let mut ids: Vec<String> = page
        .hrefs()
        .iter()
        .filter_map(|href| href.trim_start_matches("/settings/").strip_prefix("api-keys/key_"))
        .filter(|rest| !rest.contains('/'))
        .map(|rest| format!("key_{rest}"))
        .collect();
    ids.dedup();
    ids
}

fn query(parameters: &[(&str, &str)]) -> String {
    let encoded =
        |text: &str| percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string();
    let pairs: Vec<_> = parameters.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect();
    format!("{LIST}?{}", pairs.join("&"))
}

async fn found(alice: &Actor, parameters: &[(&str, &str)]) -> BTreeSet<String> {
    let page = alice.get(&query(parameters)).await;
    assert_eq!(page.status, 200, "{parameters:?}");
    ids(&page).into_iter().collect()
}

fn set<const N: usize>(ids: [&String; N]) -> BTreeSet<String> {
    ids.into_iter().cloned().collect()
}

/// Issues a key as the form would, many times faster.
pub async fn issued(desk: &TestApp, alice: &Actor, name: &str, expires_in_days: Option<u64>) -> String {
    let new = NewKey {
        name: name.into(),
        key_type: KeyType::Standard,
        environment: "live".into(),
        inbox_id: None,
        scopes: "*".parse().expect("scopes"),
        expires_at: expires_in_days.map(|after| desk.app.now() + days(after)),
        allowed_ips: AllowedIps::default(),
    };
    let secret = Secret::generate("kd_live_", &desk.app.entropy);
    let author = TestApp::author();
    let issue = Issue { new: &new, secret: &secret, once: None, reveal: Some(Reveal::Once) };
    match api_keys::issue(&desk.app.db, &desk.app.act(&author), &alice.account_id, issue, 0).await {
        Ok(Issued::Key(id)) => id,
        other => panic!("{other:?}"),
    }
}

/// Counts a request with the key, now.
async fn used(desk: &TestApp, of: &Actor, id: &str) {
    let mut counted = KeyUse::of(&of.account_id, id, String::new());
    counted.count(desk.app.now().hour(), 1, &[]);
    counted.last = Some(LastUse {
        at: desk.app.now(),
        ip: "203.0.113.9".into(),
        agent: String::new(),
        route: "GET /v1/key".into(),
    });
    usage::flush(&desk.app.db, std::iter::once(&counted)).await.expect("the database takes the counts");
}

#[tokio::test]
async fn a_key_is_found_by_a_part_of_its_name_or_the_end_of_its_secret() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let billing = alice.key("Billing-Worker", &[]).await;
    let straße = alice.key("Straße 12", &[]).await;
    for q in ["billing", "WORKER", "ing-wor", " Billing-Worker "] {
        assert_eq!(found(&alice, &[("q", q)]).await, set([&billing.id]), "{q}");
    }
    assert_eq!(found(&alice, &[("q", "STRAßE")]).await, set([&straße.id]));
    let secret = &billing.secret;
    for end in [&secret[secret.len() - 4..], &secret[secret.len() - 20..]] {
        assert_eq!(found(&alice, &[("q", end)]).await, set([&billing.id]), "its last {}", end.len());
    }
    // A whole secret leaves the address at once; its last four characters stay.
    let pasted = alice.get(&query(&[("q", secret), ("status", "active")])).await;
    assert_eq!(pasted.status, 303);
    assert!(!pasted.location().contains(&secret[..53]) && pasted.location().contains("status=active"));
    assert_eq!(ids(&alice.get(pasted.location()).await), std::slice::from_ref(&billing.id));
    let none = alice.get(&query(&[("q", "nothing like it")])).await;
    none.has_heading("No keys match “nothing like it”");
    assert_eq!(none.link("Clear search").as_deref(), Some(LIST));
}

#[tokio::test]
async fn wildcards_of_the_database_are_plain_characters() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let percent = alice.creates("100% live", &[]).await;
    let underscore = alice.creates("snake_case", &[]).await;
    let backslash = alice.creates("back\\slash", &[]).await;
    alice.creates("snakeXcase", &[]).await;
    assert_eq!(found(&alice, &[("q", "%")]).await, set([&percent]));
    assert_eq!(found(&alice, &[("q", "e_c")]).await, set([&underscore]));
    assert_eq!(found(&alice, &[("q", "\\")]).await, set([&backslash]));
    for q in ["'", "' or 1=1 --", "\"", "_%_"] {
        assert_eq!(found(&alice, &[("q", q)]).await, BTreeSet::new(), "{q}");
    }
}

#[tokio::test]
async fn filters_narrow_together() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let first = alice.first_key().await;
    let (orders, returns) = (alice.inbox("Orders").await, alice.inbox("Returns").await);
    let send = alice.creates("send", &[("preset", "send"), ("environment", "test")]).await;
    let read = alice.creates("read", &[("preset", "read")]).await;
    let bound = alice.restricted_key("bound", &orders).await.id;
    let other = alice.restricted_key("other", &returns).await.id;
    for (parameters, expected) in [
        (vec![("environment", "test")], set([&send])),
        (vec![("type", "restricted")], set([&bound, &other])),
        (vec![("type", "standard")], set([&first, &send, &read])),
        (vec![("inbox", orders.as_str())], set([&bound])),
        (vec![("scope", "mail:send")], set([&first, &send, &bound, &other])),
        (vec![("scope", "mail:sen")], set([&first])),
        (vec![("scope", "mail:send"), ("type", "restricted"), ("q", "oun")], set([&bound])),
        (vec![("type", "restricted"), ("environment", "test")], BTreeSet::new()),
        (vec![("type", "nonsense")], BTreeSet::new()),
    ] {
        assert_eq!(found(&alice, &parameters).await, expected, "{parameters:?}");
    }
}

#[tokio::test]
async fn tabs_count_what_they_lead_to_and_so_do_the_sentences_about_attention() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    for (name, expires) in [("soon-1", "10"), ("soon-2", "14"), ("later", "15")] {
        alice.key(name, &[("expires", expires)]).await;
    }
    for name in ["sealed-1", "sealed-2"] {
        alice.creates(name, &[("expires", "none")]).await;
    }
    let retiring = alice.key("retiring", &[("expires", "none")]).await;
    alice.post(&key_path(&retiring.id, "rotate"), &[("grace", "7d")]).await;
    alice.reveals(&retiring.id).await;
    let paused = alice.key("paused", &[("expires", "none")]).await;
    desk.database.run(&format!("update api_keys set paused_at = 1 where id = '{}'", paused.id)).await;
    let idle = alice.key("idle", &[("expires", "none")]).await;
    let long_ago = (desk.app.now() - days(91)).micros();
    desk.database.run(&format!("update api_keys set created_at = {long_ago} where id = '{}'", idle.id)).await;
    let gone = alice.key("gone", &[]).await;
    alice.post(&key_path(&gone.id, "delete"), &[("name", "gone")]).await;
    let ended = alice.key("ended", &[]).await;
    desk.database.run(&format!("update api_keys set expires_at = 1 where id = '{}'", ended.id)).await;

    alice.get(LIST).await;
    let page = alice.get(LIST).await;
    let mut led = 0;
    for (tab, count, names) in [
        ("All", 10, None),
        ("Active", 7, None),
        ("Retiring", 1, Some(vec!["retiring"])),
        ("Expires soon", 2, Some(vec!["soon-1", "soon-2"])),
        ("Unused", 1, Some(vec!["idle"])),
        ("Not revealed", 3, Some(vec!["first-key", "sealed-1", "sealed-2"])),
        ("Paused", 1, Some(vec!["paused"])),
        ("Expired", 1, Some(vec!["ended"])),
        ("Deleted", 1, Some(vec!["gone"])),
    ] {
        let href = page.link(&format!("{tab} {count}")).unwrap_or_else(|| panic!("no {tab} {count}: {}", page.text()));
        let list = alice.get(&format!("{href}{}sort=name", if href.contains('?') { '&' } else { '?' })).await;
        assert_eq!(ids(&list).len(), count, "{tab}");
        list.says(&format!("of {count} key"));
        if let Some(names) = names {
            assert_eq!(list.rows(), names, "{tab}");
        }
        led += 1;
    }
    assert_eq!(led, 9);
    for (sentence, count) in
        [("2 keys expire within 14 days", 2), ("1 key unused for 90 days", 1), ("3 keys were never revealed", 3)]
    {
        let href = page.link(sentence).unwrap_or_else(|| panic!("no {sentence:?}: {}", page.text()));
        assert_eq!(ids(&alice.get(&href).await).len(), count, "{sentence}");
    }
}

#[tokio::test]
async fn every_order_is_paged_forward_and_back_without_repeats_or_gaps() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    for number in 0..120_u64 {
        // Many of them alike in what they are sorted by.
        let expires = (number % 3 > 0).then_some(20 + number % 5);
        let id = issued(&desk, &alice, &format!("key {:03}", (number * 37) % 120), expires).await;
        if number % 4 == 0 {
            used(&desk, &alice, &id).await;
        }
        if number % 10 == 0 {
            desk.pass(std::time::Duration::from_secs(60));
        }
    }
    desk.flush().await;
    let mut orders = BTreeSet::new();
    for sort in ["", "last_used", "name", "-name", "created", "-created", "expires", "-expires"] {
        let mut page = alice.get(&query(&[("sort", sort)])).await;
        let (mut forward, mut shown) = (Vec::new(), 0);
        loop {
            let here = ids(&page);
            page.says(&format!("Showing {}–{} of 121 keys", shown + 1, shown + here.len()));
            shown += here.len();
            forward.push(here);
            match page.link("Next") {
                Some(next) => page = alice.get(&next).await,
                None => break,
            }
        }
        assert_eq!(forward.iter().map(Vec::len).collect::<Vec<_>>(), [50, 50, 21], "{sort}");
        let all: BTreeSet<_> = forward.iter().flatten().collect();
        assert_eq!(all.len(), 121, "{sort} repeats a key");
        let mut back = vec![ids(&page)];
        let mut first = shown - 20;
        while let Some(previous) = page.link("Previous") {
            page = alice.get(&previous).await;
            first -= 50;
            page.says(&format!("Showing {first}–{} of 121 keys", first + 49));
            back.insert(0, ids(&page));
        }
        assert_eq!(back, forward, "{sort} reads otherwise going back");
        orders.insert(forward.concat());
    }
    assert_eq!(orders.len(), 8, "every order is another");
}

#[tokio::test]
async fn names_sort_as_people_read_them() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    for name in ["beta", "Alpha", "gamma"] {
        alice.creates(name, &[]).await;
    }
    assert_eq!(alice.get(&query(&[("sort", "name")])).await.rows(), ["Alpha", "beta", "first-key", "gamma"]);
    assert_eq!(alice.get(&query(&[("sort", "-name")])).await.rows(), ["gamma", "first-key", "beta", "Alpha"]);
}

#[tokio::test]
async fn a_page_keeps_its_filters_when_it_is_turned_or_sorted() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    for number in 0..51 {
        issued(&desk, &alice, &format!("worker {number}"), None).await;
    }
    let page = alice.get(&query(&[("q", "worker"), ("environment", "live"), ("sort", "name")])).await;
    page.says("Showing 1–50 of 51 keys");
    for words in ["Next", "Created", "Active 51"] {
        let href = page.link(words).unwrap_or_else(|| panic!("no link {words}"));
        for kept in ["q=worker", "environment=live"] {
            assert!(href.contains(kept), "{words}: {href}");
        }
    }
    assert_eq!(page.value_of("q"), "worker");
    assert_eq!(page.value_of("sort"), "name");
}

#[tokio::test]
async fn a_menu_opens_without_a_script_and_keeps_the_list_as_it_is() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    for number in 0..60 {
        issued(&desk, &alice, &format!("worker {number:02}"), None).await;
    }
    let page = alice.get(&query(&[("q", "worker"), ("sort", "name")])).await;
    let page = alice.get(&page.link("Next").expect("a second page")).await;
    let last = ids(&page).pop().expect("a key");
    assert!(!page.hrefs().contains(&format!("api-keys/{last}/rotate")));
    // What the form of the buttons sends.
    let (_, form) = page.html().split_once("<form id=\"acts\"").expect("the form of the menus");
    let fields: Vec<_> = form.split_once("</form>").expect("its end").0.split("name=\"").skip(1).collect();
    let field = |field: &str| {
        field
            .split_once("\" value=\"")
            .map(|(name, rest)| (name.to_owned(), rest.split('"').next().expect("a value").to_owned()))
    };
    let mut sent: Vec<_> = fields.into_iter().filter_map(field).collect();
    sent.push(("menu".into(), last.clone()));
    let sent: Vec<_> = sent.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let opened = alice.get(&query(&sent)).await;
    assert_eq!(
        ids(&opened).iter().filter(|id| **id != "key_").collect::<Vec<_>>(),
        ids(&page).iter().collect::<Vec<_>>()
    );
    for way in ["rename", "rotate", "delete"] {
        assert!(opened.hrefs().contains(&format!("api-keys/{last}/{way}")), "{way}");
    }
    opened.says("Showing 51–60 of 60 keys");
    let amir = desk.amir(&alice).await;
    let opened = amir.get(&query(&[("menu", &last), ("q", "worker 59")])).await;
    opened.says("View in audit log");
    assert!(!opened.hrefs().iter().any(|href| href.contains("/rotate")), "to look, not to touch");
}

#[tokio::test]
async fn another_accounts_keys_never_appear() {
    let desk = TestApp::new().await;
    let (alice, bob) = (desk.alice().await, desk.bob().await);
    let key = alice.key("halden-secret-project", &[]).await;
    let inbox = alice.inbox("Halden Orders").await;
    alice.restricted_key("halden-bound", &inbox).await;
    let last4 = &key.secret[key.secret.len() - 4..];
    for parameters in [
        vec![],
        vec![("q", "halden")],
        vec![("q", last4)],
        vec![("inbox", inbox.as_str())],
        vec![("after", key.id.as_str())],
        vec![("before", key.id.as_str()), ("sort", "name")],
        vec![("status", "deleted")],
    ] {
        let page = bob.get(&query(&parameters)).await;
        assert_eq!(page.status, 200, "{parameters:?}");
        page.says_nothing_of("halden-secret-project");
        page.says_nothing_of("Halden Orders");
        page.says_nothing_of(&format!("…{last4}"));
    }
    bob.get("/settings/audit-log").await.says_nothing_of("halden");
    bob.get(&format!("/settings/audit-log?target={}", key.id)).await.says_nothing_of("halden-secret-project");
}

#[tokio::test]
async fn a_hostile_name_is_text_wherever_it_stands() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let name = "<script>alert(1)</script>\"'&<b>";
    let inbox = alice.post("/settings/inboxes", &[("name", name)]).await;
    inbox.redirects_to("/settings/inboxes");
    let id = alice.creates(name, &[]).await;
    let first = alice.get("/settings/inboxes").await;
    assert!(first.flash().is_some_and(|flash| flash.starts_with(name)));
    let search = query(&[("q", name)]);
    for path in [
        LIST,
        search.as_str(),
        &key_path(&id, ""),
        &key_path(&id, "rotate"),
        &key_path(&id, "delete"),
        "/settings/inboxes",
        "/settings/api-keys/new?type=restricted",
        "/settings/audit-log",
        &format!("/settings/audit-log?target={id}"),
    ] {
        let page = alice.get(path).await;
        assert_eq!(page.status, 200, "{path}");
        assert!(!page.html().contains("<script>alert") && !page.html().contains("&<b>"), "{path}");
        page.says(name);
    }
    assert_eq!(alice.get(&search).await.value_of("q"), name);
    alice.post(&key_path(&id, "delete"), &[("name", name)]).await.redirects_to(LIST);
}

#[tokio::test]
async fn an_auditor_sees_the_list_without_a_way_to_change_it() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    alice.key("billing", &[]).await;
    let page = desk.amir(&alice).await.get(LIST).await;
    assert_eq!(page.rows().len(), 2);
    for way in ["/new", "/rotate", "/delete"] {
        assert!(!page.hrefs().iter().any(|href| href.contains(way)), "{way}");
    }
}

#[tokio::test]
async fn a_pasted_secret_is_searched_by_its_end_and_stays_out_of_the_page() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let key = alice.key("billing", &[]).await;
    let last4 = &key.secret[key.secret.len() - 4..];
    for pasted in [key.secret.clone(), format!("KEYDESK_API_KEY={}", key.secret), format!("Bearer+{}", key.secret)] {
        let answer = alice.get(&format!("/settings/api-keys?q={pasted}")).await;
        answer.redirects_to(&format!("/settings/api-keys?q={last4}"));
    }
    assert_eq!(alice.get(&format!("/settings/api-keys?q={last4}")).await.rows(), ["billing"]);
}
