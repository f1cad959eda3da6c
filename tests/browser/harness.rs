//! The browser of these tests, tried on pages whose faults are known: a check that cannot fail proves nothing.

use axum::Router;
use axum::extract::{Form, Query};
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::get;
use tokio::net::TcpListener;

use crate::browser::{Browser, View};

const ORDER: &str = r#"<!doctype html>
<html lang="en">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<title>Order</title>
<style>
  summary, a { line-height: 2 }
  @media (prefers-color-scheme: dark) { .light { display: none } }
  @media (prefers-color-scheme: light) { .dark { display: none } }
</style>
<main>
<h1>Order</h1>
<p><span class="light">By day</span><span class="dark">By night</span></p>
<p id="script">No script ran</p>
<script>document.getElementById("script").textContent = "A script ran, " + innerWidth + " wide"</script>
<details><summary>More</summary><a href="/order?page=2">Next page</a></details>
<form method="post">
  <label for="name">Name</label> <input id="name" name="name" value="nobody">
  <label for="day">Day</label> <input id="day" name="day" type="date">
  <label for="password">Password</label> <input id="password" name="password" type="password">
  <label><input type="radio" name="size" value="small" checked> Small</label>
  <label><input type="radio" name="size" value="large"> Large</label>
  <input type="checkbox" name="extra" value="ice" id="ice"> <label for="ice">Ice</label>
  <label for="place">Place</label>
  <select id="place" name="place"><option value="here">Here</option><option value="there">There</option></select>
  <button hidden>Send</button>
  <button>Send</button>
</form>
</main>
"#;

const FAULTY: &str = r#"<!doctype html>
<html lang="en">
<title>Faulty</title>
<h1>Faulty</h1>
<img src="data:,">
<p style="color: #bbb; background: #fff">Too pale to read</p>
"#;

/// Meets no need: of order, of rest, of size, of a ring, of room, of edges, of paper.
const NEEDY: &str = r#"<!doctype html>
<title>Needy</title>
<style>
  @keyframes spin { to { rotate: 1turn } }
  h1 { animation: spin 1s infinite }
  a:focus { outline: none }
  .cut { overflow: hidden; white-space: nowrap; width: 300px; font-size: 1rem }
  .on { margin-top: -2em }
  .btn { border: 0; height: 9px; overflow: hidden }
  input { border: 1px solid #eee; background: #fff; appearance: none }
</style>
<h1>Needy</h1>
<h3>Too deep</h3>
<p>Words that something lies on</p>
<p class="on">Words that lie on something</p>
<p class="cut">Words that fit as they are</p>
<p><a href="/order">No ring</a> <span class="btn">Send</span> <button>x</button> <input aria-label="Faint"></p>
"#;

async fn order(Query(query): Query<Vec<(String, String)>>) -> Response {
    if query.is_empty() { Html(ORDER).into_response() } else { Redirect::to("/faulty").into_response() }
}

async fn ordered(Form(fields): Form<Vec<(String, String)>>) -> (StatusCode, Html<String>) {
    let fields: Vec<_> = fields.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let page = format!("<!doctype html><title>Done</title><h1>Ordered</h1><p>{}", fields.join(" "));
    (StatusCode::CREATED, Html(page))
}

/// Serves the pages on a free port and answers their origin.
async fn site() -> String {
    let site = Router::new()
        .route("/order", get(order).post(ordered))
        .route("/needy", get(async || Html(NEEDY)))
        .route("/faulty", get(async || (StatusCode::GONE, Html(FAULTY))));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let origin = format!("http://{}", listener.local_addr().expect("the listener has an address"));
    tokio::spawn(async { axum::serve(listener, site).await });
    origin
}

#[tokio::test]
#[ignore = "needs Chromium: run ./scripts/test"]
async fn a_form_is_filled_and_sent_with_and_without_javascript() {
    let origin = site().await;
    for view in [View::WIDE, View::PHONE.without_javascript()] {
        let browser = Browser::open(&origin, view).await;
        browser.goto("/order").await;
        browser.fill("name", "Ada").await;
        browser.fill("day", "2027-01-31").await;
        browser.fill("password", "a long pass phrase").await;
        browser.choose("size", "large").await;
        browser.choose("extra", "ice").await;
        browser.choose("place", "there").await;
        browser.press("Send").await;
        assert_eq!(browser.heading().await, "Ordered");
        assert_eq!(browser.status().await, 201);
        let sent = "name=Ada day=2027-01-31 password=a long pass phrase size=large extra=ice place=there";
        browser.see(sent).await;
    }
}

#[tokio::test]
#[ignore = "needs Chromium: run ./scripts/test"]
async fn a_view_has_its_width_theme_and_script() {
    let origin = site().await;
    for (view, theme, script) in [
        (View::WIDE, "By day", "A script ran, 1440 wide"),
        (View::PHONE.dark(), "By night", "A script ran, 390 wide"),
        (View::PHONE.without_javascript(), "By day", "No script ran"),
    ] {
        let browser = Browser::open(&origin, view).await;
        browser.goto("/order").await;
        let text = browser.text().await;
        assert!(text.contains(theme) && text.contains(script), "{view:?} reads:\n{text}");
        browser.screenshot("order").await;
    }
}

#[tokio::test]
#[ignore = "needs Chromium: run ./scripts/test"]
async fn a_link_in_a_closed_menu_is_found_once_the_menu_is_open() {
    let origin = site().await;
    let browser = Browser::open(&origin, View::WIDE).await;
    browser.goto("/order").await;
    assert!(!browser.text().await.contains("Next page"));
    browser.click("More").await;
    browser.follow("Next page").await;
    assert_eq!(browser.path().await, "/faulty");
    assert_eq!(browser.status().await, 410);
}

#[tokio::test]
#[ignore = "needs Chromium: run ./scripts/test"]
async fn barriers_are_found_where_there_are_some_and_nowhere_else() {
    let origin = site().await;
    let browser = Browser::open(&origin, View::WIDE).await;
    browser.goto("/order").await;
    assert_eq!(browser.barriers().await, Vec::<String>::new());
    browser.goto("/faulty").await;
    let found = browser.barriers().await.concat();
    assert!(found.contains("image-alt") && found.contains("color-contrast"), "{found}");
}

#[tokio::test]
#[ignore = "needs Chromium: run ./scripts/test"]
async fn needs_that_are_not_met_are_found() {
    let origin = site().await;
    let browser = Browser::open(&origin, View::WIDE).await;
    browser.goto("/needy").await;
    for (found, fault) in [
        (browser.disorder().await, "comes after a heading of level 1"),
        (browser.disorder().await, "there is not one main"),
        (browser.motion().await, "is animated"),
        (browser.tiny_targets().await, "“x” is "),
        (browser.faint_fields().await, "faint edge"),
        (browser.unseen_focus().await, "has focus and no ring"),
        (browser.overlaps().await, "lies on"),
        (browser.lost_when_doubled().await, "is cut off"),
        (browser.lost_in_forced_colours().await, "has no edge"),
        (browser.wrong_on_paper().await, "is printed"),
    ] {
        assert!(found.iter().any(|one| one.contains(fault)), "{fault} is not among {found:?}");
    }
}
