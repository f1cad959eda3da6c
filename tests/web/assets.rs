//! Stylesheet, script and icons: kept for ever, small on their way, and not sent again to whoever has them.

use std::io::Read as _;

use axum::http::Method;
use flate2::read::GzDecoder;

use crate::support::{Answer, TestApp};

const FILES: [(&str, &str); 5] = [
    ("keydesk.css", "text/css"),
    ("keydesk.js", "text/javascript"),
    ("icons.svg", "image/svg+xml"),
    ("favicon.svg", "image/svg+xml"),
    ("menu.svg", "image/svg+xml"),
];

async fn ask(desk: &TestApp, file: &str, headers: &[(&str, &str)]) -> Answer {
    let visitor = desk.visitor();
    let ask = visitor.ask(Method::GET, &format!("{}/{file}", keydesk::web::assets::base()));
    headers.iter().fold(ask, |ask, (name, value)| ask.with(name, value)).send().await
}

#[tokio::test]
async fn an_asset_is_kept_for_ever_under_the_hash_of_what_it_is() {
    let desk = TestApp::new().await;
    let visitor = desk.visitor();
    let base = keydesk::web::assets::base();
    assert!(visitor.get("/sign-in").await.html().contains(&format!("{base}/keydesk.css")));
    for (file, kind) in FILES {
        let answer = ask(&desk, file, &[]).await;
        assert_eq!((answer.status, answer.header("content-type")), (200, kind), "{file}");
        assert_eq!(answer.header("cache-control"), "public, max-age=31536000, immutable", "{file}");
        assert_eq!(answer.set_cookies(), Vec::<&str>::new());
    }
    for path in [
        "/static/0000000000000000/keydesk.css",
        &format!("{base}/other.css"),
        &format!("{base}/keydesk.css.gz"),
        "/static/keydesk.css",
        &format!("{base}/..%2fCargo.toml"),
    ] {
        let answer = visitor.get(path).await;
        assert_eq!(answer.status, 404, "{path}");
        assert_eq!(answer.header("cache-control"), "no-store", "{path}");
    }
    let part = &base[base.len() - 1..];
    assert_eq!(visitor.get(&format!("/static/{part}/keydesk.css")).await.status, 404, "the end of a hash is no hash");
}

#[tokio::test]
async fn it_is_compressed_for_whoever_can_read_that() {
    let desk = TestApp::new().await;
    for (file, _) in FILES {
        let (plain, small) = (ask(&desk, file, &[]).await, ask(&desk, file, &[("accept-encoding", "gzip")]).await);
        assert_eq!((plain.header("content-encoding"), small.header("content-encoding")), ("", "gzip"), "{file}");
        assert_eq!(small.header("content-type"), plain.header("content-type"), "{file}");
        assert_ne!(small.header("etag"), plain.header("etag"), "{file}: two representations");
        let mut read = Vec::new();
        GzDecoder::new(&small.body[..]).read_to_end(&mut read).expect("gzip");
        assert_eq!(read, plain.body, "{file}");
    }
    let [plain, small] =
        [ask(&desk, "keydesk.css", &[]).await, ask(&desk, "keydesk.css", &[("accept-encoding", "gzip")]).await];
    assert!(small.body.len() * 4 < plain.body.len(), "{} of {}", small.body.len(), plain.body.len());
    for (accepted, encoding) in [
        ("br, GZIP;q=0.5", "gzip"),
        ("deflate, gzip ; q=1.0", "gzip"),
        ("gzip;q=0", ""),
        ("gzip;q=0.000, identity", ""),
        ("br", ""),
        ("identity", ""),
        ("gzipped", ""),
        ("gzip;q=x", ""),
        ("", ""),
    ] {
        let answer = ask(&desk, "keydesk.css", &[("accept-encoding", accepted)]).await;
        assert_eq!((answer.status, answer.header("content-encoding")), (200, encoding), "{accepted}");
        assert_eq!(answer.header("vary"), "Accept-Encoding", "{accepted}");
    }
}

#[tokio::test]
async fn whoever_has_it_is_not_sent_it_again() {
    let desk = TestApp::new().await;
    for encoding in ["identity", "gzip"] {
        let tag = ask(&desk, "keydesk.js", &[("accept-encoding", encoding)]).await.header("etag").to_owned();
        assert!(tag.len() > 16 && tag.starts_with('"') && tag.ends_with('"'), "{tag}");
        for known in [&tag, "*", &format!("W/{tag}"), &format!("\"other\", {tag}")] {
            let answer = ask(&desk, "keydesk.js", &[("accept-encoding", encoding), ("if-none-match", known)]).await;
            assert_eq!((answer.status, answer.body.len()), (304, 0), "{known}");
            assert_eq!((answer.header("etag"), answer.header("vary")), (tag.as_str(), "Accept-Encoding"));
            assert_eq!(answer.header("cache-control"), "public, max-age=31536000, immutable");
        }
    }
    let whole = ask(&desk, "keydesk.js", &[]).await;
    let path = format!("{}/keydesk.js", keydesk::web::assets::base());
    let visitor = desk.visitor();
    for known in ["\"other\"", "*"] {
        let head = visitor.ask(Method::HEAD, &path).with("if-none-match", known).send().await;
        assert_eq!(head.header("content-length"), whole.body.len().to_string(), "{known}");
    }
    let plain = whole.header("etag").to_owned();
    let small = ask(&desk, "keydesk.js", &[("accept-encoding", "gzip"), ("if-none-match", &plain)]).await;
    assert_eq!(small.status, 200, "the other representation");
}
