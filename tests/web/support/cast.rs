//! Every kind of credential there is, so that a test can put one question to all of them.

use keydesk::clock::days;
use serde_json::json;

use super::{Actor, TestApp, key_path};

/// The only place that the key `homely` may be used from.
pub const HOME: &str = "198.51.100.3";

pub struct Cast {
    /// An inbox that the restricted keys are bound to.
    pub own: String,
    /// Another inbox of the account.
    pub other: String,
    /// Name and secret, or session token.
    pub credentials: Vec<(&'static str, String)>,
}

impl Cast {
    pub fn secret(&self, name: &str) -> &str {
        let found = self.credentials.iter().find(|(known, _)| *known == name);
        &found.unwrap_or_else(|| panic!("nobody is called {name}")).1
    }
}

impl TestApp {
    /// Moves the clock by a month.
    pub async fn cast(&self) -> Cast {
        let alice = self.alice().await;
        let expired = alice.key("expired", &[("expires", "30")]).await;
        let spent = alice.key("spent", &[("expires", "none")]).await;
        alice.post(&key_path(&spent.id, "rotate"), &[("grace", "1h")]).await;
        let current = alice.reveals(&spent.id).await;
        self.pass(days(31));
        let alice = self.signed_in(&alice.email).await;
        let (own, other) = (alice.inbox("Orders").await, alice.inbox("Billing").await);
        let mut credentials =
            vec![("expired", expired.secret), ("rotated out", spent.secret), ("its successor", current)];
        credentials.extend(self.living(&alice, &own).await);
        credentials.extend(self.dead(&alice).await);
        credentials.extend(self.people(&alice).await);
        Cast { own, other, credentials }
    }

    async fn living(&self, alice: &Actor, own: &str) -> Vec<(&'static str, String)> {
        let one = |fields: &'static [(&str, &str)]| [&[("expires", "none"), ("preset", "custom")][..], fields].concat();
        let bound = [("type", "restricted"), ("inbox", own), ("expires", "none"), ("preset", "custom")];
        let sender = alice.restricted_key("bound sender", own).await;
        let wide =
            [&bound[..], &[("scopes[]", "mail:send"), ("scopes[]", "mail:read"), ("environment", "test")]].concat();
        let old = alice.key("retiring", &[("expires", "none")]).await;
        alice.post(&key_path(&old.id, "rotate"), &[("grace", "7d")]).await;
        let keys = [
            ("full, live", alice.key("full live", &[("expires", "none")]).await.secret),
            ("full, test", alice.key("full test", &[("expires", "none"), ("environment", "test")]).await.secret),
            ("sender", alice.key("sender", &one(&[("scopes[]", "mail:send")])).await.secret),
            (
                "manager",
                alice.key("manager", &one(&[("scopes[]", "keys:read"), ("scopes[]", "inboxes:write")])).await.secret,
            ),
            ("homely", alice.key("homely", &[("expires", "none"), ("allowed_ips", "198.51.100.0/28")]).await.secret),
            ("bound sender", sender.secret),
            ("bound, test", alice.key("bound test", &wide).await.secret),
            ("retiring, new", alice.reveals(&old.id).await),
            ("retiring, old", old.secret),
        ];
        keys.into()
    }

    async fn dead(&self, alice: &Actor) -> Vec<(&'static str, String)> {
        let paused = alice.key("paused", &[("expires", "none")]).await;
        self.database.run(&format!("update api_keys set paused_at = 1 where id = '{}'", paused.id)).await;
        let deleted = alice.key("deleted", &[("expires", "none")]).await;
        alice.post(&key_path(&deleted.id, "delete"), &[("name", "deleted")]).await.redirects_to("/settings/api-keys");
        let doomed = alice.inbox("Doomed").await;
        let orphan = alice.restricted_key("orphan", &doomed).await;
        let delete = format!("/settings/inboxes/{doomed}/delete");
        alice.post(&delete, &[("name", "Doomed")]).await.redirects_to("/settings/inboxes");
        vec![("paused", paused.secret), ("deleted", deleted.secret), ("its inbox deleted", orphan.secret)]
    }

    async fn people(&self, alice: &Actor) -> Vec<(&'static str, String)> {
        let token = |actor: Actor| actor.secret.expect("a token");
        let (amir, mei) = (self.amir(alice).await, self.mei(alice).await);
        let ended = self.log_in(&alice.email).await;
        let logged_out = json!({ "refresh_token": ended["refresh_token"] });
        assert!(self.visitor().post_json("/api/auth/logout", &logged_out).await.status < 300);
        vec![
            ("administrator", token(self.token_of(alice).await)),
            ("auditor", token(self.token_of(&amir).await)),
            ("member", token(self.token_of(&mei).await)),
            ("signed out", ended["token"].as_str().expect("a token").to_owned()),
        ]
    }
}
