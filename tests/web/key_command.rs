//! `keydesk key` and `keydesk scanner-rules`, as somebody types them.

use std::io::Write as _;
use std::path::Path;
use std::process::{Output, Stdio};

use serde_json::json;

use crate::audit;
use crate::commands::{created, finished, folder, keydesk, said};
use crate::support::{Binary, PASSWORD};

/// Pipes a text into `keydesk key leaked`, beside a desk that serves from `data`.
fn leaked(folder: &Path, data: &Path, text: &[u8]) -> Output {
    let mut command = keydesk(folder, &["key", "leaked", "-", "--url", "https://git.example/a?b=c"]);
    let mut child = command.env("KEYDESK_DATA_DIR", data).stdin(Stdio::piped()).spawn().expect("it starts");
    child.stdin.take().expect("a stdin").write_all(text).expect("it reads");
    finished(child)
}

#[tokio::test]
async fn every_key_in_a_text_is_switched_off_and_named_without_its_secret() {
    let desk = Binary::start();
    let mut connection = desk.connect().await;
    let (_, first_id, first) = connection.sign_up().await;
    let bearer = format!("authorization: Bearer {first}\r\ncontent-type: application/json\r\n");
    let mut keys = vec![(first_id, first.clone())];
    for name in ["two", "three"] {
        let made =
            connection.ask("POST /v1/keys", &bearer, &json!({ "name": name, "preset": "full" }).to_string()).await;
        let made: serde_json::Value = serde_json::from_str(&made.body).expect("JSON");
        let text = |field: &str| made[field].as_str().expect("a text").to_owned();
        audit::note(&text("secret"));
        keys.push((text("id"), text("secret")));
    }
    let (_, spared) = keys.pop().expect("a key that is in no text");
    let unknown = keydesk::model::secret::Secret::generate("kd_live_", &keydesk::entropy::Entropy::seeded(1));
    // One is cut in two where a piece of 64 KiB ends; one stands in a log beside bytes that are no text.
    let mut text = b"x ".repeat(32 * 1024 - 15);
    text.extend(format!("KEY={first}\n{}\n{}\n", unknown.reveal(), &spared[..50]).bytes());
    text.extend([0xff, 0xfe, 0]);
    text.extend(format!("{0}{0}{first}", keys[1].1).bytes());
    let folder = folder();
    let (fine, out, err) = said(&leaked(folder.path(), desk.data.path(), &text));
    assert!(fine, "{err}");
    let lines: Vec<_> = keys.iter().map(|(id, _)| format!("{id} was switched off: it is deleted")).collect();
    assert_eq!(out.lines().collect::<Vec<_>>(), lines);
    assert!(err.contains("1 text with our prefix and a right checksum: no key of this installation"), "{err}");
    for (_, secret) in &keys {
        assert!(!out.contains(secret.as_str()) && !err.contains(secret.as_str()));
    }
    refuses(&desk, &keys[1].1).await;
    refuses(&desk, &first).await;
    let still = connection.ask("GET /v1/key", &format!("authorization: Bearer {spared}\r\n"), "").await;
    assert_eq!(still.status, 200);
    let events = format!("authorization: Bearer {spared}\r\n");
    let events = connection.ask("GET /v1/audit-events?limit=4", &events, "").await.body;
    assert!(events.contains("on the command line, found at https://git.example/a\""), "{events}");

    let (fine, out, _) = said(&leaked(folder.path(), desk.data.path(), first.as_bytes()));
    assert_eq!((fine, out), (true, format!("{} was off already", keys[0].0)));
    let (fine, out, err) = said(&leaked(folder.path(), desk.data.path(), b"nothing"));
    assert_eq!((fine, out.as_str()), (false, ""));
    assert!(err.contains("no key of this installation was found"), "{err}");
}

/// Asks until the desk that serves refuses the key, which it does within a second.
async fn refuses(desk: &Binary, secret: &str) {
    let refused = async {
        let mut connection = desk.connect().await;
        let bearer = format!("authorization: Bearer {secret}\r\n");
        while connection.ask("GET /v1/key", &bearer, "").await.status != 401 {}
    };
    tokio::time::timeout(std::time::Duration::from_secs(30), refused).await.expect("a refusal");
}

#[test]
fn the_rules_are_printed_for_the_product_in_use_without_a_database() {
    let folder = folder();
    let rules = |arguments: &[&str]| {
        let mut command = keydesk(folder.path(), &[&["scanner-rules"], arguments].concat());
        said(&finished(command.spawn().expect("it starts")))
    };
    let expression = r"\b(?:kd_test_|kd_live_)[0-9A-Za-z]{49}\b";
    assert_eq!(rules(&["--format", "regex"]), (true, expression.to_owned(), String::new()));
    let (fine, out, err) = rules(&[]);
    assert!(fine, "{err}");
    assert_eq!(
        out.lines().collect::<Vec<_>>(),
        [
            "[[rules]]",
            "id = \"keydesk-api-key\"",
            "description = \"API key of Keydesk\"",
            &format!("regex = '''{expression}'''"),
            "keywords = [\"kd_test_\", \"kd_live_\"]",
        ]
    );
    assert!(!folder.path().join("data").exists());
}

#[test]
fn keys_of_an_account_are_listed_created_and_deleted() {
    let folder = folder();
    created(folder.path(), "ops@halden.example", &format!("{PASSWORD}\n"));
    let key = |arguments: &[&str]| {
        said(&finished(keydesk(folder.path(), &[&["key"], arguments].concat()).spawn().expect("it starts")))
    };
    let rows = || -> Vec<Vec<String>> {
        let (fine, out, err) = key(&["list", "OPS@halden.example"]);
        assert!(fine, "{err}");
        out.lines().map(|line| line.split('\t').map(str::to_owned).collect()).collect()
    };
    assert_eq!(rows().len(), 1, "the first key");
    let (fine, secret, err) = key(&["create", "ops@halden.example", "backend", "--environment", "live"]);
    audit::note(&secret);
    assert!(fine, "{err}");
    let (id, rest) = err.split_once(' ').expect("an id");
    assert_eq!(rest, "is created. Its secret is shown one time:");
    let row = [id, "active", "live", &format!("kd_live_…{}", &secret[secret.len() - 4..]), "backend"];
    assert_eq!(rows()[0], row.map(str::to_owned));

    for (arguments, why) in [
        (
            &["create", "ops@halden.example", "backend", "--environment", "live"][..],
            "A live key named backend already exists. Choose another name.",
        ),
        (&["create", "ops@halden.example", "", "--environment", "moon"], "environment: "),
        (&["create", "nobody@halden.example", "x"], "nobody signs in with nobody@halden.example"),
        (&["delete", "ops@halden.example", "key_none"], "has no key with this id"),
    ] {
        let (fine, out, err) = key(arguments);
        assert!(!fine && out.is_empty() && err.contains(why), "{arguments:?}: {err}");
    }
    assert_eq!(key(&["delete", "ops@halden.example", id]), (true, format!("{id} is deleted."), String::new()));
    assert!(rows().iter().all(|row| row[0] != id), "a deleted key is not listed");
    let again = key(&["delete", "ops@halden.example", id]);
    assert_eq!(again.1, format!("{id} was deleted before; nothing was changed."));
}

#[test]
fn keys_are_imported_with_new_secrets_all_of_them_or_none() {
    let folder = folder();
    created(folder.path(), "ops@halden.example", &format!("{PASSWORD}\n"));
    let import = |text: &str| {
        std::fs::write(folder.path().join("keys.csv"), text).expect("a file");
        let arguments = ["key", "import", "ops@halden.example", "keys.csv"];
        said(&finished(keydesk(folder.path(), &arguments).spawn().expect("it starts")))
    };
    let wrong = "name,type,environment,inbox,scopes,expires_at,allowed_ips\n\
        backend,standard,live,,*,,\n\
        ,standard,live,,mail:send,,home\n\
        bound,standard,live,Orders,mail:read,,\n\
        late,standard,moon,,mail:fly,2020-01-31,\n";
    let (fine, out, err) = import(wrong);
    assert!(!fine && out.is_empty(), "{out}");
    for why in [
        "line 3: name: Enter a name.",
        "line 3: allowed_ips: \"home\" is not an address.",
        "line 4: inbox: a standard key is bound to none; it would reach them all",
        "line 5: environment: Choose the environment: test or live.",
        "line 5: scopes: There is no scope \"mail:fly\".",
        "line 5: expires: Choose an expiry date after today",
        "Nothing was created.",
    ] {
        assert!(err.contains(why), "{why}\n{err}");
    }
    assert!(import("key,type\na,b\n").2.contains("one of them is name"));

    // As an export says it: more columns, another order, and one that is over.
    let export = "id,name,status,environment,type,inbox_id,inbox,scopes,allowed_ips,expires_at\r\n\
        key_1,backend,active,live,standard,,,mail:send mail:read,203.0.113.0/24 2001:db8::/32,2030-01-31T12:00:00Z\r\n\
        key_2,gone,deleted,live,standard,,,*,,\r\n\
        key_3,reports,active,test,standard,,,mail:read,,\r\n";
    let (fine, out, err) = import(export);
    assert_eq!((fine, err.as_str()), (true, "2 keys are created."));
    let rows: Vec<Vec<&str>> = out.lines().map(|line| line.split(',').collect()).collect();
    assert_eq!(rows[0], ["id", "name", "secret"]);
    assert_eq!([rows[1][1], rows[2][1]], ["backend", "reports"]);
    assert!(rows[1][2].starts_with("kd_live_") && rows[2][2].starts_with("kd_test_"));
    for row in &rows[1..] {
        audit::note(row[2]);
    }
    let (fine, _, err) = import(export);
    assert!(!fine && err.contains("line 2: A live key named backend already exists. Choose another name."), "{err}");
    assert!(err.contains("0 keys are created, and the others are not."), "{err}");
}
