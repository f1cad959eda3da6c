//! Contradictions in what a product calls itself and its things: brand, addresses, words, samples and questions.

use super::{Found, SEGMENT, is_segment};
use crate::host::{host_of, is_loopback};
use crate::product::Product;

const LONGEST_NAME: usize = 40;
/// What `/v1` calls its own.
const OWN_PATHS: [&str; 4] = ["key", "keys", "usage", "audit-events"];
/// What Keydesk's own addresses begin with, and those that it may come to have.
const OWN_PLACES: [&str; 20] = [
    "gate",
    "settings",
    "docs",
    "static",
    "theme",
    "sign-up",
    "sign-in",
    "sign-out",
    "welcome",
    "auth",
    "forgot-password",
    "reset-password",
    "verify-email",
    "invitation",
    "re-authenticate",
    "two-factor",
    "support",
    "healthz",
    "readyz",
    "metrics",
];

pub fn check(product: &Product, found: &mut Found) {
    brand(product, found);
    addresses(product, found);
    words(product, found);
    errors(product, found);
    samples(product, found);
    questions(product, found);
}

fn brand(product: &Product, found: &mut Found) {
    let (name, env_var) = (&product.brand.name, &product.brand.env_var);
    if name.trim().is_empty() || name.chars().count() > LONGEST_NAME {
        let says = format!("brand.name has {} characters", name.trim().chars().count());
        found.add("brand.name", says, format!("Write 1 to {LONGEST_NAME} characters."));
    }
    let fits = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    if env_var.is_empty() || env_var.starts_with(|c: char| c.is_ascii_digit()) || !env_var.bytes().all(fits) {
        let allowed = "Use letters, digits and _, and begin with no digit, such as MAIL_API_KEY.";
        found.add("brand.env_var", format!("brand.env_var is {env_var:?}"), allowed);
    }
}

fn addresses(product: &Product, found: &mut Found) {
    let (base_url, path) = (&product.api.base_url, &product.api.path);
    if !base_url.is_empty() && !is_base_url(base_url) {
        let allowed = "Write https:// and a host, with nothing behind it: what paths begin with is api.path. http:// is for \
                       this machine only. Empty stands for Keydesk's own public URL.";
        found.add("api.base_url", format!("api.base_url is {base_url:?}"), allowed);
    }
    let segments = path.strip_prefix('/').filter(|rest| rest.split('/').all(is_segment));
    let Some(segments) = segments else {
        let allowed = format!("Write / and plain segments, such as /v1, /api or /api/v1. {SEGMENT}");
        found.add("api.path", format!("api.path is {path:?}"), allowed);
        return;
    };
    let first = segments.split('/').next().unwrap_or_default();
    if OWN_PLACES.contains(&first) || segments == "api/auth" || segments.starts_with("api/auth/") {
        let allowed = "Keydesk's own pages and doors are there. Choose another, such as /v1, /api or /api/v1.";
        found.add("api.path", format!("api.path is {path:?}"), allowed);
    }
}

fn is_base_url(url: &str) -> bool {
    let trimmed = url.strip_suffix('/').unwrap_or(url);
    let Some((scheme, host)) = trimmed.split_once("://") else { return false };
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b':' | b'[' | b']');
    let is_host = !host_of(host).is_empty() && host.bytes().all(plain);
    is_host && (scheme == "https" || (scheme == "http" && is_loopback(host_of(host))))
}

fn words(product: &Product, found: &mut Found) {
    let words = &product.words;
    for (name, word) in [
        ("resource", &words.resource),
        ("resources", &words.resources),
        ("standard", &words.standard),
        ("restricted", &words.restricted),
    ] {
        if word.trim().is_empty() {
            found.add(format!("words.{name}"), format!("words.{name} is empty"), "Write what your customers call it.");
        }
    }
    let name = &words.api_name;
    let is_taken = OWN_PATHS.contains(&name.as_str()) || (name == "auth" && product.api.path == "/api");
    if is_taken || !is_segment(name) {
        let allowed = format!("{SEGMENT} {} and auth are taken.", OWN_PATHS.join(", "));
        found.add("words.api_name", format!("words.api_name is {name:?}"), allowed);
    }
}

fn errors(product: &Product, found: &mut Found) {
    let errors = &product.errors;
    for (name, sentence, part) in [
        ("unauthorized", &errors.unauthorized, ""),
        ("missing_scope", &errors.missing_scope, "{scope}"),
        ("not_found", &errors.not_found, ""),
        ("rate_limited", &errors.rate_limited, "{seconds}"),
    ] {
        let Some(sentence) = sentence else { continue };
        let place = format!("errors.{name}");
        if sentence.trim().is_empty() {
            found.add(place, format!("errors.{name} is empty"), "Write a sentence, or leave it out for Keydesk's own.");
        } else if !sentence.contains(part) {
            let says = format!("errors.{name} has no {part} in it");
            found.add(place, says, format!("Write {part} where it belongs: programs and people look for it."));
        }
    }
}

fn samples(product: &Product, found: &mut Found) {
    found.refuse_twins("samples", ".id", product.samples.iter().map(|sample| &sample.id));
    for (index, sample) in product.samples.iter().enumerate() {
        if !is_segment(&sample.id) {
            found.add(format!("samples[{index}].id"), format!("The sample's id is {:?}", sample.id), SEGMENT);
        }
        for (field, text) in [("label", &sample.label), ("code", &sample.code)] {
            if text.trim().is_empty() {
                let says = format!("The sample {:?} has an empty {field}", sample.id);
                found.add(format!("samples[{index}].{field}"), says, "Write it, or leave the sample out.");
            }
        }
    }
}

fn questions(product: &Product, found: &mut Found) {
    for (index, question) in product.questions.iter().enumerate() {
        for (field, text) in [("question", &question.question), ("answer", &question.answer)] {
            if text.trim().is_empty() {
                let place = format!("questions[{index}].{field}");
                found.add(place, format!("The {field} is empty"), "Write it, or leave question and answer out.");
            }
        }
    }
}
