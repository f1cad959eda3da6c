//! People and programs as values: each knows its account, its address, its cookies or its key.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::http::Method;
use keydesk::model::user::{Role, User};
use keydesk::store::users;
use serde_json::{Value, json};
use tokio::sync::OnceCell;

use super::database::TestDatabase;
use super::{Answer, Ask, Field, TestApp, key_path};
use crate::audit;

/// Everybody's password.
pub const PASSWORD: &str = "copper lantern orbit";

#[derive(Clone)]
pub struct Actor {
    pub router: Router,
    pub email: String,
    /// Empty for whoever is not signed in.
    pub account_id: String,
    pub user_id: String,
    pub ip: IpAddr,
    pub host: String,
    pub user_agent: String,
    /// What a program sends as its Bearer credential.
    pub secret: Option<String>,
    cookies: Arc<Mutex<BTreeMap<String, String>>>,
    /// Who still comes keeps the desk open.
    _desk: Arc<TestDatabase>,
}

/// A key that was created and revealed.
#[derive(Clone, Debug)]
pub struct Key {
    pub id: String,
    pub secret: String,
}

impl TestApp {
    /// Somebody with a browser whom nobody knows yet.
    pub fn visitor(&self) -> Actor {
        audit::note(PASSWORD);
        let host = self.app.public_url.split("://").nth(1).expect("a host");
        Actor {
            router: self.router.clone(),
            email: String::new(),
            account_id: String::new(),
            user_id: String::new(),
            ip: IpAddr::from([203, 0, 113, 24]),
            host: host.into(),
            user_agent: "Mozilla/5.0 (X11; Linux x86_64) Test/1.0".into(),
            secret: None,
            cookies: Arc::default(),
            _desk: self.database.clone(),
        }
    }

    /// The administrator of Halden Freight, who has just signed up.
    pub async fn alice(&self) -> Actor {
        self.signed_up("Halden Freight", "alice@halden.example").await
    }

    /// The administrator of another account.
    pub async fn bob(&self) -> Actor {
        self.signed_up("Brill Couriers", "bob@brill.example").await
    }

    /// Auditor in the account of `administrator`.
    pub async fn amir(&self, administrator: &Actor) -> Actor {
        self.joined_as(administrator, "amir@halden.example", "Amir Haddad", Role::Auditor).await
    }

    /// Member in the account of `administrator`.
    pub async fn mei(&self, administrator: &Actor) -> Actor {
        self.joined_as(administrator, "mei@halden.example", "Mei Tan", Role::Member).await
    }

    pub async fn signed_up(&self, account: &str, email: &str) -> Actor {
        let visitor = self.visitor();
        let fields = [("account", account), ("email", email), ("password", PASSWORD)];
        visitor.post("/sign-up", &fields).await.redirects_to("/welcome");
        self.known(visitor, email).await
    }

    /// Somebody else in the account of `administrator`.
    pub async fn joined_as(&self, administrator: &Actor, email: &str, name: &str, role: Role) -> Actor {
        static HASH: OnceCell<String> = OnceCell::const_new();
        let hash =
            HASH.get_or_init(async || self.app.passwords.hash(PASSWORD.to_owned().into()).await.expect("a hash"));
        let (of, _) = users::find_by_email(&self.app.db, &administrator.email).await.expect("a read").expect("a user");
        let id = self.app.entropy.id("usr");
        let user = User { id, email: email.into(), name: name.into(), role, created_at: self.app.now(), ..of };
        let author = Self::author();
        let added = users::add(&self.app.db, &self.app.act(&author), &user, hash.await).await;
        assert!(added.expect("the database takes the user"), "{email} is taken");
        self.signed_in(email).await
    }

    /// Somebody who has an account, in a browser of their own.
    pub async fn signed_in(&self, email: &str) -> Actor {
        let visitor = self.visitor();
        let answer = visitor.post("/sign-in", &[("email", email), ("password", PASSWORD)]).await;
        assert_eq!(answer.status, 303, "{}", answer.text());
        self.known(visitor, email).await
    }

    async fn known(&self, actor: Actor, email: &str) -> Actor {
        let (user, _) = users::find_by_email(&self.app.db, email).await.expect("a read").expect("a user");
        Actor { email: email.into(), account_id: user.account_id, user_id: user.id, ..actor }
    }

    /// A program that holds `secret`: a key's, or a session token.
    pub fn holder(&self, secret: &str) -> Actor {
        Actor { secret: Some(secret.to_owned()), user_agent: "curl/8.14".into(), ..self.visitor() }
    }

    /// A program with the session token of `actor`, by `POST /api/auth/login`.
    pub async fn token_of(&self, actor: &Actor) -> Actor {
        let granted = self.log_in(&actor.email).await;
        let token = granted["token"].as_str().expect("a token");
        Actor { email: actor.email.clone(), account_id: actor.account_id.clone(), ..self.holder(token) }
    }

    /// The body of a successful `POST /api/auth/login`.
    pub async fn log_in(&self, email: &str) -> Value {
        let answer =
            self.visitor().post_json("/api/auth/login", &json!({ "email": email, "password": PASSWORD })).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()
    }
}

impl Actor {
    pub fn ask(&self, method: Method, path: &str) -> Ask<'_> {
        Ask::of(self, method, path)
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.ask(Method::GET, path).send().await
    }

    pub async fn head(&self, path: &str) -> Answer {
        self.ask(Method::HEAD, path).send().await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        self.ask(Method::DELETE, path).send().await
    }

    /// Presses the button of a form.
    pub async fn post(&self, path: &str, fields: &[Field<'_>]) -> Answer {
        self.ask(Method::POST, path).form(fields).send().await
    }

    pub async fn post_json(&self, path: &str, body: &Value) -> Answer {
        self.ask(Method::POST, path).json(body).send().await
    }

    /// The same person or program elsewhere in the world.
    pub fn at(&self, ip: &str) -> Self {
        Self { ip: ip.parse().expect("an address"), ..self.clone() }
    }

    /// The same person or program, by what it says of itself.
    pub fn calling_itself(&self, user_agent: &str) -> Self {
        Self { user_agent: user_agent.into(), ..self.clone() }
    }

    /// The same person, with the same cookies, at another start of the desk.
    pub fn before(&self, desk: &TestApp) -> Self {
        Self { router: desk.router.clone(), ..self.clone() }
    }

    /// Creates a standard key with full access and leaves it sealed; `fields` change or add to the form.
    pub async fn creates(&self, name: &str, fields: &[Field<'_>]) -> String {
        let mut form = vec![("name", name), ("type", "standard"), ("environment", "live"), ("preset", "full")];
        form.retain(|(field, _)| !fields.iter().any(|(own, _)| own == field));
        form.extend(fields);
        let answer = self.post("/settings/api-keys", &form).await;
        assert_eq!(answer.status, 303, "{}", answer.text());
        answer.location().rsplit('/').next().expect("an id").to_owned()
    }

    /// Presses *Reveal once* and takes the secret from the answer.
    pub async fn reveals(&self, id: &str) -> String {
        let answer = self.post(&key_path(id, "reveal"), &[]).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.secrets().first().expect("the answer shows the secret").clone()
    }

    /// Creates a key and reveals it.
    pub async fn key(&self, name: &str, fields: &[Field<'_>]) -> Key {
        let id = self.creates(name, fields).await;
        Key { secret: self.reveals(&id).await, id }
    }

    /// Creates a key restricted to an inbox and reveals it.
    pub async fn restricted_key(&self, name: &str, inbox: &str) -> Key {
        let fields = [("type", "restricted"), ("inbox", inbox), ("preset", "custom"), ("scopes[]", "mail:send")];
        self.key(name, &fields).await
    }

    /// Adds an inbox and answers its id.
    pub async fn inbox(&self, name: &str) -> String {
        self.post("/settings/inboxes", &[("name", name)]).await.redirects_to("/settings/inboxes");
        let page = self.get("/settings/inboxes").await;
        page.id_beside(name)
    }

    /// The id of the key that the sign-up issued.
    pub async fn first_key(&self) -> String {
        let page = self.get("/settings/api-keys?sort=created").await;
        // Where an account has one key, the way leads straight to it.
        if let Some(id) = page.location().strip_prefix("/settings/api-keys/") {
            return id.to_owned();
        }
        page.hrefs().iter().find_map(|href| href.strip_prefix("api-keys/")).expect("a key").to_owned()
    }

    /// Every row of a list of the API, read page by page. `path` has a query.
    pub async fn walks(&self, path: &str) -> Vec<Value> {
        let (mut rows, mut after) = (Vec::new(), String::new());
        loop {
            let page = self.get(&format!("{path}&after={after}")).await;
            assert_eq!(page.status, 200, "{}", page.text());
            let page = page.json();
            rows.extend(page["data"].as_array().expect("rows").iter().cloned());
            match page["next"].as_str() {
                Some(next) => next.clone_into(&mut after),
                None => return rows,
            }
        }
    }

    /// The value of a cookie that this browser holds.
    pub fn cookie(&self, name: &str) -> Option<String> {
        self.jar().get(name).cloned()
    }

    pub fn set_cookie(&self, name: &str, value: &str) {
        self.jar().insert(name.into(), value.into());
    }

    /// The same person in a browser that has the same cookies now and goes its own way from here.
    pub fn copied(&self) -> Self {
        let cookies = self.jar().clone();
        Self { cookies: Arc::new(Mutex::new(cookies)), ..self.clone() }
    }

    /// The `Cookie` header.
    pub(super) fn cookies(&self) -> String {
        self.jar().iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ")
    }

    pub(super) fn keep_cookies(&self, answer: &Answer) {
        for line in answer.set_cookies() {
            let (name, value) = line.split(';').next().and_then(|pair| pair.split_once('=')).expect("a cookie");
            if value.is_empty() || line.contains("Max-Age=0") {
                self.jar().remove(name);
            } else {
                self.set_cookie(name, value);
            }
        }
    }

    fn jar(&self) -> MutexGuard<'_, BTreeMap<String, String>> {
        self.cookies.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
