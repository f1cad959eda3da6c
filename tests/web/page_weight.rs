//! No page of keys or usage weighs more than 60 KB, however much there is to say.

use keydesk::clock::days;
use keydesk::model::api_key::{AllowedIps, KeyType};
use keydesk::model::key_form::NewKey;
use keydesk::model::secret::Secret;
use keydesk::product::Reveal;
use keydesk::store::api_keys::{self, Issue, Issued};
use keydesk::store::usage::{self, KeyUse, LastUse};

use crate::support::{Actor, Dice, TestApp, key_path};

const MOST: usize = 60_000;
const REASONS: [&str; 10] = [
    "scope_missing",
    "rate_limited",
    "address_not_allowed",
    "route_unknown",
    "inbox_out_of_reach",
    "input_ambiguous",
    "key_deleted",
    "key_expired",
    "key_paused",
    "secret_rotated",
];

/// A key that has something to say in every column, used every day for 90 days, and refused for every reason.
async fn busy(desk: &TestApp, alice: &Actor, number: usize, dice: &Dice) -> String {
    let inbox = alice_inbox(desk, alice).await.filter(|_| number.is_multiple_of(3));
    let new = NewKey {
        name: format!("warehouse-dispatch-{number:04}"),
        key_type: if inbox.is_some() { KeyType::Restricted } else { KeyType::Standard },
        environment: ["test", "live"][number % 2].into(),
        inbox_id: inbox,
        scopes: "mail:send mail:read mail:write".parse().expect("scopes"),
        expires_at: Some(desk.app.now() + days(3 + number as u64)),
        allowed_ips: AllowedIps::default(),
    };
    let prefix = format!("kd_{}_", new.environment);
    let secret = Secret::generate(&prefix, &desk.app.entropy);
    let author = TestApp::author();
    let issue = Issue { new: &new, secret: &secret, once: None, reveal: Some(Reveal::Once) };
    let issued = api_keys::issue(&desk.app.db, &desk.app.act(&author), &alice.account_id, issue, 0).await;
    let Ok(Issued::Key(id)) = issued else { panic!("{issued:?}") };
    let mut counted = KeyUse::of(&alice.account_id, &id, secret.hash(&desk.app.keyring).to_string());
    for ago in 0..90 {
        let refused: Vec<_> = REASONS.iter().map(|reason| (*reason, i64::from(dice.byte()))).collect();
        counted.count(desk.app.now().hour() - ago * 24, i64::from(dice.byte()) * 39 + 1, &refused);
    }
    counted.last = Some(LastUse {
        at: desk.app.now() - days(1),
        ip: "203.0.113.80".into(),
        agent: "Python-urllib/3.12".into(),
        route: "GET /v1/inboxes".into(),
    });
    usage::flush(&desk.app.db, std::iter::once(&counted)).await.expect("the database takes the counts");
    id
}

async fn alice_inbox(desk: &TestApp, alice: &Actor) -> Option<String> {
    let inboxes = keydesk::store::inboxes::list(&desk.app.db, &alice.account_id, "", "", 1).await.expect("a read");
    inboxes.first().map(|inbox| inbox.id.clone())
}

#[tokio::test]
async fn fifty_busy_keys_and_every_page_about_usage_weigh_less_than_60_kb() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    alice.inbox("Orders of the north").await;
    let dice = Dice::seeded(6);
    let mut latest = String::new();
    for number in 0..51 {
        latest = busy(&desk, &alice, number, &dice).await;
    }
    let created_by = format!("update api_keys set created_by = '{}', revealed_at = 1", alice.user_id);
    desk.database.run(&created_by).await;
    let mut heavy = Vec::new();
    let mut pages = vec!["/settings/api-keys".to_owned(), key_path(&latest, "scopes")];
    for period in ["24h", "7d", "30d", "90d"] {
        pages.push(format!("/settings/usage?period={period}"));
        pages.push(format!("{}?period={period}", key_path(&latest, "")));
    }
    for path in pages {
        let page = alice.get(&path).await;
        assert_eq!(page.status, 200, "{path}");
        if let Some(folder) = std::env::var_os("KEYDESK_TEST_PAGES") {
            let name = path.replace(['/', '?'], "_");
            std::fs::write(std::path::Path::new(&folder).join(name), &page.body).expect("a page is kept");
        }
        println!("{path}: {} bytes", page.body.len());
        if page.body.len() > MOST {
            heavy.push((path, page.body.len()));
        }
    }
    assert_eq!(heavy, Vec::<(String, usize)>::new());
    let list = alice.get("/settings/api-keys").await;
    assert_eq!(list.rows().len(), 50);
}
