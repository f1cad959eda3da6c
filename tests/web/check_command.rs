//! `keydesk check` and `keydesk init`, as somebody types them, and starts with a broken definition.

use std::path::{Path, PathBuf};
use std::time::Duration;

use keydesk::product::{DEFAULT, Definition};

use crate::commands::{created, finished, folder, keydesk, said};
use crate::support::{Dice, PASSWORD, TestApp, key_path};

fn written(folder: &Path, name: &str, definition: &str) -> PathBuf {
    let file = folder.join(name);
    std::fs::write(&file, definition).expect("a file");
    file
}

/// Whether it ended well, what it said, and what it complained of.
fn runs(folder: &Path, arguments: &[&str], settings: &[(&str, &str)]) -> (bool, String, String) {
    let mut command = keydesk(folder, arguments);
    command.envs(settings.iter().copied());
    said(&finished(command.spawn().expect("it starts")))
}

#[test]
fn a_broken_definition_never_starts_and_its_message_alone_is_enough() {
    let folder = folder();
    for (from, to, mistake, allowed) in [
        ("[words]", "[words]\ncolour = \"red\"", "words has no field \"colour\"", "Known are resource, resources"),
        ("prefix = \"kd\"", "prefix = \"K D\"", "keys.prefix is \"K D\"", "Use lowercase letters and digits."),
        ("scopes = [\"mail:send\"]", "scopes = []", "The preset \"send\" has no scopes", "Name one or more"),
        ("id = \"mail:write\"", "id = \"mail:read\" # 2", "scopes has \"mail:read\" twice", "it is here first"),
        (
            "# The first request",
            "[[routes]]\nmethod = \"GET\"\npath = \"/v1/a\"\nscope = \"mail:raed\"\n# The first request",
            "The route takes the scope \"mail:raed\", which is not defined",
            "Did you mean mail:read?",
        ),
        (
            "policy = \"optional\"",
            "policy = \"none\"",
            "No key expires, yet expiry.default_days says when",
            "Leave it out",
        ),
    ] {
        assert!(DEFAULT.contains(from), "{from}");
        let broken = written(folder.path(), "broken.toml", &DEFAULT.replacen(from, to, 1));
        let broken = broken.to_str().expect("text");
        let (fine, out, err) = runs(folder.path(), &[], &[("KEYDESK_PRODUCT", broken)]);
        assert!(!fine && out.is_empty(), "{out}");
        for part in [mistake, allowed, &format!("--> {broken}:")] {
            assert!(err.contains(part), "{part}: {err}");
        }
        assert!(!err.contains('\u{1b}'), "colour is for terminals");
        assert!(!folder.path().join("data").exists(), "nothing was made before it was refused");
        let (fine, out, _) = runs(folder.path(), &["check", broken], &[]);
        assert!(!fine && out.contains(mistake), "{out}");
    }
}

#[test]
fn a_sound_definition_is_said_to_be_and_warnings_do_not_stop_it() {
    let folder = folder();
    let (fine, out, err) = runs(folder.path(), &["check"], &[]);
    assert!(fine, "{err}");
    assert_eq!(
        out,
        "the built-in definition is sound.\nThere is no database yet, so there are no keys to compare it with."
    );
    let odd = format!("{DEFAULT}\n[[groups]]\nid = \"moon\"\nlabel = \"Moon\"\ndescription = \"X\"\n");
    written(folder.path(), "odd.toml", &odd);
    let (fine, out, _) = runs(folder.path(), &["check"], &[("KEYDESK_PRODUCT", "odd.toml")]);
    assert!(fine && out.contains("The group \"moon\" has no scopes") && out.contains("odd.toml is sound."), "{out}");
    assert!(!folder.path().join("data").exists());
}

#[test]
fn several_definitions_are_checked_at_once_and_beside_each_other() {
    let folder = folder();
    let bare = DEFAULT.replace("environment = \"live\"\n", "");
    let (start, end) = (bare.find("# Offered in this").expect("it"), bare.find("[expiry]").expect("it"));
    written(folder.path(), "a.toml", &format!("{}{}", &bare[..start], &bare[end..]));
    written(folder.path(), "b.toml", DEFAULT);
    let (fine, out, err) = runs(folder.path(), &["check", "a.toml", "b.toml"], &[]);
    assert!(fine, "{out}{err}");
    for part in [
        "Secrets begin with kd_, and with kd_live_ in b.toml",
        "Secrets begin with kd_live_, and with kd_ in a.toml",
        "--> b.toml:",
        "check it alone",
    ] {
        assert!(out.contains(part), "{part}: {out}");
    }
    written(folder.path(), "c.toml", "");
    let (fine, out, err) = runs(folder.path(), &["check", "b.toml", "c.toml", "nowhere.toml"], &[]);
    assert!(!fine && out.contains("brand is missing") && out.contains("b.toml is sound."), "{out}");
    assert!(out.contains("Cannot read the product definition nowhere.toml"), "{out}");
    assert_eq!(err, "keydesk: 2 of 3 would not start");
}

#[test]
fn init_writes_the_explained_definition_and_never_over_a_file() {
    let folder = folder();
    let (fine, out, err) = runs(folder.path(), &["init"], &[]);
    assert!(fine, "{err}");
    assert!(out.contains("keydesk check keydesk.toml") && out.contains("keydesk --product keydesk.toml"), "{out}");
    let written = folder.path().join("keydesk.toml");
    assert_eq!(std::fs::read_to_string(&written).expect("the file"), DEFAULT);
    std::fs::write(&written, "mine").expect("a file");
    let (fine, _, err) = runs(folder.path(), &["init"], &[]);
    assert!(!fine && err.contains("keydesk.toml exists; nothing was written."), "{err}");
    assert_eq!(std::fs::read_to_string(&written).expect("the file"), "mine");
    assert!(runs(folder.path(), &["init", "other.toml"], &[]).0);
    assert!(runs(folder.path(), &["check", "other.toml"], &[]).0);
}

#[tokio::test]
async fn check_names_the_keys_that_a_change_would_strand() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    desk.pass(Duration::from_secs(1));
    alice.key("nightly", &[("preset", "custom"), ("scopes", "mail:read"), ("environment", "test")]).await;
    let deleted = alice.key("gone", &[("environment", "test")]).await;
    let delete = key_path(&deleted.id, "delete");
    alice.post(&delete, &[("name", "gone")]).await.redirects_to("/settings/api-keys");
    let folder = folder();
    let database = [("KEYDESK_DATABASE_URL", desk.database.url.as_str())];
    let (fine, out, _) = runs(folder.path(), &["check"], &database);
    assert!(fine && out.contains("Of 2 existing keys, all could be created again."), "{out}");

    let changed = DEFAULT
        .replace("prefix = \"kd\"", "prefix = \"kdx\"")
        .replace("id = \"test\"", "id = \"sandbox\"")
        .replace("limit = 0", "limit = 1")
        .replace("full_access = true", "full_access = false");
    written(folder.path(), "changed.toml", &changed);
    let (fine, out, _) = runs(folder.path(), &["check", "changed.toml"], &database);
    assert!(fine, "{out}");
    for part in [
        "Of 2 existing keys, 2 could not be created any more. They keep working:",
        "\"nightly\" of acc_",
        "its environment test is not defined any more; its prefix kd_test_ is not issued any more; \
         its account has more keys than the limit of 1",
        "\"first-key\" of acc_",
        "it holds *, which no key may any more",
        "2 × its prefix is not issued any more",
        "1 × its environment is not defined any more",
    ] {
        assert!(out.contains(part), "{part}: {out}");
    }
    desk.database.run("delete from _sqlx_migrations where version > 3").await;
    let (fine, out, _) = runs(folder.path(), &["check"], &database);
    assert!(fine && out.contains("The database has the schema 3, and this Keydesk brings "), "{out}");
    desk.database.run("update _sqlx_migrations set version = 999 where version = 3").await;
    let (fine, out, _) = runs(folder.path(), &["check"], &database);
    assert!(fine && out.contains("The database has the schema 999; this Keydesk knows only "), "{out}");
    desk.database.run("drop table _sqlx_migrations").await;
    let (fine, out, _) = runs(folder.path(), &["check"], &database);
    assert!(fine && out.contains("The database holds nothing of Keydesk's"), "{out}");
}

#[tokio::test]
async fn many_stranded_keys_are_counted_and_fifty_are_named() {
    const MANY: &str = "
        insert into api_keys (id, account_id, name, name_folded, key_type, environment, scopes, allowed_ips, prefix, last4,
            created_at)
        with recursive n (i) as (select 1 union all select i + 1 from n where i < 1200)
        select 'key_many_' || i, (select id from accounts), 'many ' || i, 'many ' || i, 'standard', 'live', '*', '',
            'old_live_', 'abcd', 1000000 + i
        from n";
    let desk = TestApp::new().await;
    desk.alice().await;
    desk.database.run(MANY).await;
    let folder = folder();
    let (fine, out, _) = runs(folder.path(), &["check"], &[("KEYDESK_DATABASE_URL", desk.database.url.as_str())]);
    assert!(fine && out.contains("Of 1201 existing keys, 1200 could not be created any more."), "{out}");
    assert!(out.contains("… and 1150 more") && out.contains("1200 × its prefix is not issued any more"), "{out}");
    assert_eq!(out.matches("key_many_").count(), 50);
}

#[test]
fn check_leaves_no_trace_on_an_idle_database() {
    let folder = folder();
    let (fine, _, err) = said(&created(folder.path(), "ops@halden.example", &format!("{PASSWORD}\n")));
    assert!(fine, "{err}");
    let data = folder.path().join("data");
    let held = || {
        let entries = std::fs::read_dir(&data).expect("the folder").map(|entry| entry.expect("an entry"));
        let held = entries.map(|entry| (entry.file_name(), std::fs::read(entry.path()).expect("a file")));
        held.collect::<std::collections::BTreeMap<_, _>>()
    };
    let before = held();
    assert!(before.contains_key(std::ffi::OsStr::new("keydesk.db")));
    let (fine, out, err) = runs(folder.path(), &["check"], &[]);
    assert!(fine && out.contains("The 1 existing key could be created again."), "{out}{err}");
    let after = held();
    assert_eq!(before.keys().collect::<Vec<_>>(), after.keys().collect::<Vec<_>>());
    assert!(before == after, "a file changed");
}

#[test]
fn a_mangled_definition_is_answered_with_lines_and_never_with_a_panic() {
    const SCRAPS: [&str; 16] =
        ["[", "]", "\"", "'''", "=", "\n", "#", "{", "}", ",", "[[keys]]\n", "\u{1f511}", "\r\n", "\t", "-1", "true"];
    let rounds = std::env::var("KEYDESK_TEST_ROUNDS").map_or(300, |rounds| rounds.parse().expect("a number"));
    let dice = Dice::seeded(11);
    let chars: Vec<char> = DEFAULT.chars().collect();
    for _ in 0..rounds {
        let mut mangled = chars.clone();
        for _ in 0..=dice.below(4) {
            let at = dice.below(mangled.len());
            let until = (at + dice.below(30)).min(mangled.len());
            mangled.splice(at..until, dice.pick(&SCRAPS).chars());
        }
        mangled.truncate(if dice.one_in(4) { dice.below(mangled.len()) } else { mangled.len() });
        let text: String = mangled.into_iter().collect();
        match Definition::parse("mangled.toml", &text) {
            Ok(definition) => drop(definition.warnings.to_string()),
            Err(refused) => assert!(refused.to_string().contains("--> mangled.toml:"), "{refused}"),
        }
    }
}
