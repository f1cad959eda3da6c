//! The functions that every request, or every look at the keys, goes through. `cargo bench` says how long each takes on this
//! machine; `scripts/instructions` has valgrind count what each executes, which is the same on a busy one.
//!
//! `KEYDESK_COUNTED=NAME` runs that one once, between preparations that do not count: everything below [`counted`], or
//! below `keydesk::web::page` for a page.

mod desk;

use std::hint::black_box;
use std::sync::OnceLock;

use axum::http::HeaderMap;
use divan::Bencher;
use keydesk::gate::credential::Credential;
use keydesk::gate::prefixes::Prefixes;

use desk::Desk;

fn main() {
    match std::env::var("KEYDESK_COUNTED").as_deref() {
        Ok("parse") => {
            let (headers, prefixes) = presented();
            count(|| parses(&headers, &prefixes));
        }
        Ok("verdict") => count(|| assert!(desk().verdict())),
        Ok("answer") => {
            desk();
            count(|| assert!(desk().answer()));
        }
        Ok("keys_page") => assert!(desk().page("/settings/api-keys") > 10_000),
        Ok("key_page") => assert!(desk().page(&desk().key_path()) > 10_000),
        Ok(other) => panic!("nothing here is called {other}"),
        Err(_) => divan::main(),
    }
}

/// Runs it once for the caches, and once to be counted.
fn count(mut run: impl FnMut()) {
    run();
    counted(run);
}

/// What valgrind counts below.
#[inline(never)]
fn counted(mut run: impl FnMut()) {
    run();
    black_box(());
}

fn desk() -> &'static Desk {
    static DESK: OnceLock<Desk> = OnceLock::new();
    DESK.get_or_init(Desk::open)
}

/// A credential as it comes, and what the gate knows of prefixes.
fn presented() -> (HeaderMap, Prefixes) {
    let prefixes = Prefixes::new(vec!["kd_live_".into(), "kd_test_".into()]);
    (desk::headers(&desk::secret()), prefixes)
}

fn parses(headers: &HeaderMap, prefixes: &Prefixes) {
    let Credential::Key(token) = Credential::from_headers(black_box(headers)) else { panic!("a key is there") };
    assert!(prefixes.parse(token).is_ok());
}

/// The header to a secret of the right shape and checksum.
#[divan::bench]
fn parse(bencher: Bencher<'_, '_>) {
    let (headers, prefixes) = presented();
    bencher.bench_local(|| parses(&headers, &prefixes));
}

/// The verdict on a key that is remembered, its minute counted.
#[divan::bench]
fn verdict(bencher: Bencher<'_, '_>) {
    assert!(desk().verdict());
    bencher.bench_local(|| assert!(desk().verdict()));
}

/// The same from the head of a request to the bytes of the answer, its usage counted.
#[divan::bench]
fn answer(bencher: Bencher<'_, '_>) {
    assert!(desk().answer());
    bencher.bench_local(|| desk().answer());
}

/// Settings → API keys with fifty rows, read and rendered.
#[divan::bench]
fn keys_page(bencher: Bencher<'_, '_>) {
    bencher.bench_local(|| desk().page("/settings/api-keys"));
}

/// One key's page, read and rendered.
#[divan::bench]
fn key_page(bencher: Bencher<'_, '_>) {
    let path = desk().key_path();
    bencher.bench_local(|| desk().page(&path));
}
