//! Session tokens that are not what they seem. Each is signed with the desk's own key wherever that is not the point, so
//! that the one thing that its name says is wrong with it; and all of them get the answer that an unknown key gets.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use hmac::{Hmac, KeyInit as _, Mac as _};
use keydesk::store::session_keys::Takeover;
use serde_json::{Value, json};
use sha2::Sha256;

use crate::support::{Actor, Signer, TestApp, encoded, token_part};

/// A token in the making: as Keydesk makes them, until a forgery changes it.
struct Draft {
    head: Value,
    claims: Value,
    /// The signature of what is signed.
    sign: fn(&Signer, &str) -> String,
    tail: &'static str,
}

impl Draft {
    fn into_token(self) -> String {
        let signed = encoded(&self.head, &self.claims);
        format!("{signed}.{}{}", (self.sign)(&Signer::of(1), &signed), self.tail)
    }

    fn without(&mut self, part: fn(&mut Self) -> &mut Value, name: &str) {
        part(self).as_object_mut().expect("an object").remove(name);
    }

    /// Moves a time.
    fn moved(&mut self, name: &str, seconds: i64) {
        self.claims[name] = json!(self.claims[name].as_i64().expect("a time") + seconds);
    }
}

type Forgery = fn(&mut Draft);

fn head(draft: &mut Draft) -> &mut Value {
    &mut draft.head
}

fn claims(draft: &mut Draft) -> &mut Value {
    &mut draft.claims
}

fn mac(key: &[u8], text: &str) -> String {
    let mac = Hmac::<Sha256>::new_from_slice(key).expect("a key of any length");
    BASE64.encode(mac.chain_update(text).finalize().into_bytes())
}

fn symmetric(draft: &mut Draft, sign: fn(&Signer, &str) -> String) {
    draft.head["alg"] = json!("HS256");
    draft.sign = sign;
}

const HEADERS: [(&str, Forgery); 31] = [
    ("no algorithm, signed", |draft| draft.head["alg"] = json!("none")),
    ("no algorithm, not signed", |draft| {
        draft.head["alg"] = json!("none");
        draft.sign = |_, _| String::new();
    }),
    ("No algorithm in other letters", |draft| {
        draft.head["alg"] = json!("nOnE");
        draft.sign = |_, _| String::new();
    }),
    ("no algorithm, and its name an empty one", |draft| draft.head["alg"] = json!("")),
    ("an algorithm that is missing", |draft| draft.without(head, "alg")),
    ("not signed", |draft| draft.sign = |_, _| String::new()),
    ("signed by half", |draft| draft.sign = |signer, text| signer.signature(text)[..43].to_owned()),
    ("signed twice over", |draft| draft.sign = |signer, text| signer.signature(text).repeat(2)),
    ("HS256 with the bytes of the public key", |draft| symmetric(draft, |signer, text| mac(signer.public(), text))),
    ("HS256 with the text of the public key", |draft| {
        symmetric(draft, |signer, text| mac(BASE64.encode(signer.public()).as_bytes(), text));
    }),
    ("HS256 with the key id", |draft| symmetric(draft, |signer, text| mac(signer.kid().as_bytes(), text))),
    ("HS256 with nothing", |draft| symmetric(draft, |_, text| mac(b"", text))),
    ("EdDSA by name, and HMAC with the public key", |draft| draft.sign = |signer, text| mac(signer.public(), text)),
    ("HS256 by name, and signed", |draft| draft.head["alg"] = json!("HS256")),
    ("RS256 by name, and signed", |draft| draft.head["alg"] = json!("RS256")),
    ("ES256 by name, and signed", |draft| draft.head["alg"] = json!("ES256")),
    ("a key that nobody knows", |draft| draft.head["kid"] = json!("0123456789abcdef")),
    ("a key of no id", |draft| draft.head["kid"] = json!("")),
    ("a key id in numbers", |draft| draft.head["kid"] = json!(1)),
    ("no key id", |draft| draft.without(head, "kid")),
    ("a key that is not published yet", |draft| draft.head["kid"] = json!(Signer::of(3).kid())),
    ("another type", |draft| draft.head["typ"] = json!("JWT")),
    ("no type", |draft| draft.without(head, "typ")),
    ("keys at an address", |draft| draft.head["jku"] = json!("https://evil.example/keys")),
    ("a key of its own", |draft| {
        draft.head["jwk"] = json!({ "kty": "OKP", "crv": "Ed25519", "x": BASE64.encode(Signer::of(1).public()) });
    }),
    ("certificates at an address", |draft| draft.head["x5u"] = json!("https://evil.example/certificates")),
    ("certificates of its own", |draft| draft.head["x5c"] = json!(["AAAA"])),
    ("something critical", |draft| draft.head["crit"] = json!(["exp"])),
    ("nothing critical", |draft| draft.head["crit"] = json!([])),
    ("keys at no address", |draft| draft.head["jku"] = Value::Null),
    ("a name in the header that we never write", |draft| draft.head["b64"] = json!(true)),
];

const CLAIMS: [(&str, Forgery); 21] = [
    ("for somebody else", |draft| draft.claims["aud"] = json!("another-api")),
    ("for us, in a list", |draft| draft.claims["aud"] = json!(["keydesk-api"])),
    ("for us and somebody else", |draft| draft.claims["aud"] = json!(["keydesk-api", "another-api"])),
    ("for nobody", |draft| draft.claims["aud"] = json!([])),
    ("of another issuer", |draft| draft.claims["iss"] = json!("https://elsewhere.example")),
    ("of an issuer with a slash more", |draft| draft.claims["iss"] = json!("http://localhost:8080/")),
    ("expired", |draft| {
        for name in ["iat", "nbf", "exp", "auth_time"] {
            draft.moved(name, -630);
        }
    }),
    ("expired, by its end alone", |draft| draft.moved("exp", -630)),
    ("not yet", |draft| draft.moved("nbf", 31)),
    ("made in the future", |draft| {
        draft.moved("iat", 31);
        draft.moved("exp", 31);
    }),
    ("proven in the future", |draft| draft.moved("auth_time", 31)),
    ("for longer than ten minutes", |draft| draft.moved("exp", 1)),
    ("for longer than ten minutes, since a while", |draft| draft.moved("iat", -1)),
    ("for ever", |draft| draft.claims["exp"] = json!(i64::MAX)),
    ("over before it began", |draft| draft.claims["exp"] = draft.claims["iat"].clone()),
    ("of another version", |draft| draft.claims["ver"] = json!(2)),
    ("proven by nothing", |draft| draft.claims["amr"] = json!([])),
    ("somebody else’s", |draft| draft.claims["sub"] = json!("usr_0000000000000000")),
    ("of another session", |draft| draft.claims["sid"] = json!("ses_0000000000000000")),
    ("with a dot behind it", |draft| draft.tail = "."),
    ("far too long", |draft| draft.claims["jti"] = json!("j".repeat(2000))),
];

/// Alice, logged in: what her own token says, and what an unknown key is answered.
struct Scene {
    desk: TestApp,
    alice: Actor,
    claims: Value,
    unknown: String,
}

impl Scene {
    async fn set() -> Self {
        let desk = TestApp::new().await;
        let alice = desk.alice().await;
        let granted = desk.log_in(&alice.email).await;
        let token = granted["token"].as_str().expect("a token").to_owned();
        assert_eq!(token_part(&token, 0), Signer::of(1).head(), "the test derives the desk's own key");
        let unknown = desk.holder("kd_live_nobodys").get("/v1/keys").await;
        assert_eq!(unknown.status, 401);
        Self { claims: token_part(&token, 1), alice, unknown: unknown.whole(), desk }
    }

    fn draft(&self) -> Draft {
        Draft { head: Signer::of(1).head(), claims: self.claims.clone(), sign: Signer::signature, tail: "" }
    }

    async fn lets_in(&self, token: &str) {
        assert_eq!(self.desk.holder(token).get("/v1/keys").await.status, 200, "nothing is wrong with it");
    }

    async fn refuses(&self, what: &str, token: &str) {
        let answer = self.desk.holder(token).get("/v1/keys").await;
        assert_eq!(answer.whole(), self.unknown, "{what}");
    }
}

#[tokio::test]
async fn a_forged_token_is_refused_as_an_unknown_key_is() {
    let scene = Scene::set().await;
    scene.lets_in(&scene.draft().into_token()).await;
    for (what, forge) in HEADERS.into_iter().chain(CLAIMS) {
        let mut draft = scene.draft();
        forge(&mut draft);
        scene.refuses(what, &draft.into_token()).await;
    }
    scene.lets_in(&scene.draft().into_token()).await;
}

#[tokio::test]
async fn a_claim_that_is_missing_or_of_another_type_is_refused() {
    let scene = Scene::set().await;
    let names: Vec<String> = scene.claims.as_object().expect("claims").keys().cloned().collect();
    assert_eq!(names.len(), 11, "{names:?}");
    for name in names {
        let mut draft = scene.draft();
        draft.without(claims, &name);
        scene.refuses(&format!("no {name}"), &draft.into_token()).await;
        let wrong = match &scene.claims[&name] {
            Value::Number(number) => vec![json!(number.to_string()), json!(number.as_f64())],
            Value::String(text) => vec![json!(1), json!([text])],
            _ => vec![json!("pwd"), json!([1])],
        };
        for value in wrong.into_iter().chain([Value::Null, json!({}), json!(true)]) {
            let mut draft = scene.draft();
            draft.claims[&name] = value;
            let what = format!("{name} = {}", draft.claims[&name]);
            scene.refuses(&what, &draft.into_token()).await;
        }
    }
    scene.lets_in(&scene.draft().into_token()).await;
}

#[tokio::test]
async fn what_is_as_far_off_as_two_clocks_may_be_passes() {
    let scene = Scene::set().await;
    let fine: [(&str, i64); 4] = [("iat", 30), ("nbf", 30), ("auth_time", 30), ("exp", -600 - 29)];
    for (name, seconds) in fine {
        let mut draft = scene.draft();
        draft.moved(name, seconds);
        if name == "exp" {
            draft.moved("iat", -600);
        }
        scene.lets_in(&draft.into_token()).await;
    }
}

#[tokio::test]
async fn a_key_of_another_generation_vouches_for_nothing_but_its_own() {
    let scene = Scene::set().await;
    scene.desk.rotates_session_keys(Takeover::Announced).await.expect("a new key");
    let mut draft = scene.draft();
    draft.head = Signer::of(2).head();
    scene.refuses("signed by the first, and said to be by the second", &draft.into_token()).await;
    scene.lets_in(&Signer::of(2).token(&scene.claims)).await;
    scene.refuses("a third", &Signer::of(3).token(&scene.claims)).await;
}

#[tokio::test]
async fn what_has_not_three_parts_is_no_token() {
    let scene = Scene::set().await;
    let token = scene.draft().into_token();
    let parts: Vec<&str> = token.split('.').collect();
    for wrong in [
        "eyJ".to_owned(),
        parts[0].to_owned(),
        format!("{}.{}", parts[0], parts[1]),
        format!("{}.{}.", parts[0], parts[1]),
        format!("{}..{}", parts[0], parts[2]),
        format!("{token}."),
        format!("{token}.."),
        format!("{token}.{}", parts[2]),
        format!("{token}="),
        format!("{}.{token}", parts[0]),
        "eyJ.".repeat(200),
    ] {
        scene.refuses(&wrong, &wrong).await;
    }
    scene.lets_in(&token).await;
}

#[tokio::test]
async fn a_token_of_a_session_that_has_ended_is_refused() {
    let scene = Scene::set().await;
    let granted = scene.desk.log_in(&scene.alice.email).await;
    let claims = token_part(granted["token"].as_str().expect("a token"), 1);
    scene.lets_in(&Signer::of(1).token(&claims)).await;
    let out = json!({ "refresh_token": granted["refresh_token"] });
    assert_eq!(scene.desk.visitor().post_json("/api/auth/logout", &out).await.status, 204);
    scene.refuses("of a session that has ended", &Signer::of(1).token(&claims)).await;
    scene.lets_in(&scene.draft().into_token()).await;
}

#[tokio::test]
async fn no_database_is_asked_for_a_token_that_nobody_signed() {
    let scene = Scene::set().await;
    scene.desk.app.db.close().await;
    let good = scene.desk.holder(&scene.draft().into_token()).get("/v1/keys").await;
    assert_eq!(good.status, 503, "the session of a good one is asked for");
    for (what, forge) in HEADERS {
        let mut draft = scene.draft();
        forge(&mut draft);
        scene.refuses(what, &draft.into_token()).await;
    }
}
