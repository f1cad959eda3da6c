//! What a client may be refused with, and the answers as they come: made by the same [`Problem`]s, so that the page
//! cannot say something else than the API does.

use std::fmt::Write as _;

use axum::response::Response;

use crate::clock::Timestamp;
use crate::gate::verdict;
use crate::gate::window::Allowance;
use crate::model::key_form::FieldErrors;
use crate::model::name;
use crate::product::{ExpiryPolicy, KeyAct, Product, ScopeDefinition, ScopeKind};
use crate::web::api::problem::Problem;
use crate::web::api::rate;
use crate::web::error::Error;
use crate::web::samples::{Sample, open};

/// What a client reads besides the body, as it is usually written.
const HEADERS: [&str; 5] =
    ["WWW-Authenticate", "Retry-After", "X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset"];
const EXAMPLE_ID: &str = "req_4mJX0q2bT9ZcVw7K";

/// One row of the table.
pub struct Refusal {
    pub status: u16,
    pub code: &'static str,
    means: String,
    mend: String,
    /// The answer as it comes over the wire; empty if the row's words are enough.
    answer: String,
}

impl Refusal {
    fn new(problem: &Problem, means: impl Into<String>, mend: impl Into<String>) -> Self {
        Self {
            status: problem.status().as_u16(),
            code: problem.code(),
            means: means.into(),
            mend: mend.into(),
            answer: written(problem, &problem.answer(EXAMPLE_ID)),
        }
    }

    pub fn means(&self) -> Vec<(bool, &str)> {
        marked(&self.means)
    }

    pub fn mend(&self) -> Vec<(bool, &str)> {
        marked(&self.mend)
    }

    fn without_answer(self) -> Self {
        Self { answer: String::new(), ..self }
    }
}

/// Every refusal that a client of this product should be ready for.
pub fn all(product: &Product, is_https: bool) -> Vec<Refusal> {
    let mut all = vec![unreadable(), unauthorized(product), forbidden(product)];
    all.extend(is_https.then(over_plain_http));
    all.extend((!product.routes.is_empty()).then(unknown_route));
    all.extend([not_found(product), conflict(), invalid(), too_many(product), broken(), unavailable()]);
    all
}

/// The answers behind tabs, one for each status.
pub fn bodies(refusals: &[Refusal]) -> Vec<Sample> {
    let shown = refusals.iter().filter(|refusal| !refusal.answer.is_empty());
    let sample = |refusal: &Refusal| {
        let status = refusal.status.to_string();
        Sample::of(&status, &status, &refusal.answer)
    };
    open(shown.map(sample).collect(), "401")
}

/// Cut at the backticks: what stands between two is code.
fn marked(text: &str) -> Vec<(bool, &str)> {
    text.split('`').enumerate().map(|(index, part)| (index % 2 == 1, part)).collect()
}

/// Status line, the headers that matter, and the body.
fn written(problem: &Problem, answer: &Response) -> String {
    let mut text = format!("HTTP/1.1 {}\n", answer.status());
    for name in HEADERS {
        if let Some(value) = answer.headers().get(name).and_then(|value| value.to_str().ok()) {
            let _ = writeln!(text, "{name}: {value}");
        }
    }
    text + "\n" + &problem.wording_in_lines(EXAMPLE_ID)
}

fn unreadable() -> Refusal {
    let means = "The body or a parameter can’t be read.";
    Refusal::new(&Problem::bad_request(means), means, "Read the message and send what the path takes.").without_answer()
}

fn unauthorized(product: &Product) -> Refusal {
    let expired = if product.expiry.policy == ExpiryPolicy::None { "" } else { "expired, " };
    let paused = if product.offers(KeyAct::Pause) { "paused " } else { "" };
    let means =
        format!("There is no key, or it is unknown, {expired}{paused}or deleted. The answer is the same for each.");
    let problem = Problem::from(verdict::Refusal::Unknown).in_words_of(&product.errors);
    Refusal::new(&problem, means, "Send a key that works. Trying again with the same one won’t help.")
}

fn forbidden(product: &Product) -> Refusal {
    let writes = |scope: &&ScopeDefinition| scope.kind == ScopeKind::Write;
    let scope = product.scopes.iter().find(writes).or(product.scopes.first()).map_or("", |scope| &scope.id);
    let refusal = verdict::Refusal::MissingScope { scope: scope.into(), never: false };
    let problem = Problem::from(refusal).in_words_of(&product.errors);
    let means = "The key works, but lacks the scope in `required_scope`, or is used from an address that it isn’t for.";
    Refusal::new(&problem, means, "Use a key that has the scope, from an address that it allows.")
}

fn over_plain_http() -> Refusal {
    let means = "The request came over plain HTTP, so its key travelled in the clear.";
    let problem = Problem::from(verdict::Refusal::PlainHttp);
    Refusal::new(&problem, means, "Use `https://`, and replace the key.").without_answer()
}

fn unknown_route() -> Refusal {
    let means = "The API has no such method and path.";
    let problem = Problem::from(verdict::Refusal::RouteUnknown);
    Refusal::new(&problem, means, "Check both against the endpoints.").without_answer()
}

fn not_found(product: &Product) -> Refusal {
    let word = &product.words.resource;
    let beyond = if product.offers_type("restricted") {
        format!(" A {} key gets it for everything outside its {word}.", product.words.restricted)
    } else {
        String::new()
    };
    let means = format!("There is no such resource, or it belongs to somebody else.{beyond}");
    Refusal::new(&Problem::not_found().in_words_of(&product.errors), means, "Check the ID, and whose key you use.")
}

fn conflict() -> Refusal {
    let means = "The request conflicts with what is there: a name is taken, a limit is reached, or an \
                 `Idempotency-Key` came back with another body.";
    Refusal::new(&Problem::other_request(), means, "Read the message and change the request.")
}

fn invalid() -> Refusal {
    let sentence = name::objection("", name::LONGEST).unwrap_or_default();
    let means = "A field is not valid. `field` names the first, `errors` lists them all.";
    Refusal::new(
        &Problem::mistakes(&FieldErrors::from(("name", sentence))),
        means,
        "Correct the fields and send again.",
    )
}

fn too_many(product: &Product) -> Refusal {
    let limited = (product.rate_limit.per_minute > 0).then_some("the key has used up this minute’s requests");
    let sign_ins = product.api.session_token.then_some("somebody tried too often to sign in");
    let reasons = limited.into_iter().chain(["too many unknown keys came from your address"]).chain(sign_ins);
    let means = format!("Too much at once: {}.", reasons.collect::<Vec<_>>().join(", or "));
    let mend = "Wait for `retryAfter` seconds, the same as in the `Retry-After` header.";
    if limited.is_none() {
        let until = Timestamp::from_micros(0);
        return Refusal::new(&verdict::Refusal::Throttled { until }.into(), means, mend);
    }
    let spent = Allowance { limit: product.rate_limit.per_minute, remaining: 0, resets_at: 1_795_269_960, wait: 23 };
    let problem = Problem::from(verdict::Refusal::RateLimited(spent)).in_words_of(&product.errors);
    let mut answer = problem.answer(EXAMPLE_ID);
    rate::say(answer.headers_mut(), spent);
    Refusal { answer: written(&problem, &answer), ..Refusal::new(&problem, means, mend) }
}

fn broken() -> Refusal {
    let mend = "Try again later; if it stays, send the request ID to support.";
    Refusal::new(&Error::Internal.into(), "Something broke on our side.", mend).without_answer()
}

fn unavailable() -> Refusal {
    let mend = "Wait for the seconds in the `Retry-After` header and try again.";
    Refusal::new(&Error::Busy.into(), "We are busy, or a part of us is away for a moment.", mend).without_answer()
}
