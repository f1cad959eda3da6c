//! `/metrics`: what the operator's dashboards read. It counts what happened, and holds nothing of anybody.

use std::collections::BTreeSet;

use axum::body::{Body, to_bytes};
use axum::http::Request;
use keydesk::web::metrics;
use regex::Regex;
use tower::ServiceExt;

use crate::audit;
use crate::support::TestApp;

async fn read(desk: &TestApp) -> String {
    let request = Request::get("/metrics").body(Body::empty()).expect("a request");
    let answer = metrics::router(desk.app.clone()).oneshot(request).await.expect("an answer");
    let kind = answer.headers()["content-type"].to_str().expect("a type").to_owned();
    assert!(kind.starts_with("application/openmetrics-text; version=1.0.0"), "{kind}");
    let bytes = to_bytes(answer.into_body(), 1 << 20).await.expect("a body");
    String::from_utf8(bytes.into()).expect("text")
}

/// The value of one line.
fn value(page: &str, name: &str) -> f64 {
    let line = page.lines().find(|line| line.strip_prefix(name).is_some_and(|rest| rest.starts_with(' ')));
    line.and_then(|line| line.rsplit(' ').next()?.parse().ok()).unwrap_or_else(|| panic!("{name} in:\n{page}"))
}

#[tokio::test]
async fn verdicts_are_counted_by_what_they_were_and_how_long_they_took() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let key = alice.key("billing", &[]).await;
    let holder = desk.holder(&key.secret);
    for _ in 0..3 {
        assert_eq!(holder.get("/gate/authorize").await.status, 200);
    }
    assert_eq!(desk.visitor().get("/gate/authorize").await.status, 401);
    assert_eq!(desk.holder("kd_live_nonsense").get("/gate/authorize").await.status, 401);
    let page = read(&desk).await;
    assert!((value(&page, "keydesk_verdicts_total{code=\"ok\"}") - 3.0).abs() < 0.1);
    assert!((value(&page, "keydesk_verdicts_total{code=\"credential_missing\"}") - 1.0).abs() < 0.1);
    assert!((value(&page, "keydesk_verdicts_total{code=\"credential_malformed\"}") - 1.0).abs() < 0.1);
    assert!((value(&page, "keydesk_verdict_duration_seconds_count") - 5.0).abs() < 0.1);
    assert!((value(&page, "keydesk_gate_reads_total") - 1.0).abs() < 0.1, "the first read, the others remembered");
    assert!((value(&page, "keydesk_gate_remembered{kind=\"keys\"}") - 1.0).abs() < 0.1);
    assert!(page.ends_with("# EOF\n"));
}

#[tokio::test]
async fn a_request_is_counted_under_its_route_and_names_nobody() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let key = alice.key("billing", &[]).await;
    alice.get(&format!("/settings/api-keys/{}", key.id)).await;
    let lost = format!("/nowhere/{}", key.id);
    alice.get(&lost).await;
    desk.holder(&key.secret).get("/v1/key").await;
    let page = read(&desk).await;
    assert!(
        (value(&page, "keydesk_requests_total{route=\"/settings/api-keys/{id}\",status=\"200\"}") - 1.0).abs() < 0.1
    );
    assert!((value(&page, "keydesk_requests_total{route=\"none\",status=\"404\"}") - 1.0).abs() < 0.1);
    assert!((value(&page, "keydesk_requests_total{route=\"/v1/key\",status=\"200\"}") - 1.0).abs() < 0.1);
    audit::note(&key.secret);
    for somebody in [&key.id, &key.secret, &alice.email, &alice.account_id, &alice.user_id, "billing"] {
        assert!(!page.contains(somebody), "{somebody}");
    }
}

#[tokio::test]
async fn mail_that_waits_is_counted_and_its_age_told() {
    let desk = TestApp::new().await;
    desk.alice().await;
    desk.pass(std::time::Duration::from_secs(90));
    let page = read(&desk).await;
    assert!(value(&page, "keydesk_mail{state=\"due\"}") >= 1.0);
    assert!((value(&page, "keydesk_mail_age_seconds") - 90.0).abs() < 1.0);
}

#[tokio::test]
async fn the_shipped_dashboard_and_alerts_ask_for_nothing_that_is_not_there() {
    let desk = TestApp::new().await;
    desk.visitor().get("/sign-in").await;
    let page = read(&desk).await;
    let name = Regex::new(r"keydesk_[a-z_]+").expect("a pattern");
    for file in ["deploy/grafana/keydesk.json", "deploy/prometheus/keydesk.yml"] {
        let text = std::fs::read_to_string(file).expect("a shipped file");
        let asked: BTreeSet<&str> = name.find_iter(&text).map(|found| found.as_str()).collect();
        assert!(asked.len() >= 5, "{file} asks for something");
        for metric in asked {
            let there = page
                .lines()
                .any(|line| line.starts_with(&format!("{metric}{{")) || line.starts_with(&format!("{metric} ")));
            assert!(there, "{file} asks for {metric}, which is not on the page:\n{page}");
        }
    }
}

#[tokio::test]
async fn the_page_is_not_on_the_listener_of_everybody() {
    let desk = TestApp::new().await;
    assert_eq!(desk.visitor().get("/metrics").await.status, 404);
}
