//! The house: what may import what, and which crates stay in which room.

use std::fs;
use std::path::{Path, PathBuf};

/// Each room and the rooms it may enter.
const ROOMS: [(&str, &[&str]); 14] = [
    ("main", &["cli"]),
    ("lib", &[]),
    ("cli", &["web", "gate", "jobs", "store", "model", "product", "clock", "entropy", "config", "host", "telemetry"]),
    ("web", &["gate", "jobs", "store", "model", "product", "host", "clock", "entropy"]),
    ("jobs", &["gate", "store", "model", "product", "clock", "entropy"]),
    ("gate", &["store", "model", "product", "clock", "entropy"]),
    ("store", &["model", "product", "clock", "entropy"]),
    ("model", &["product", "clock", "entropy"]),
    ("config", &["model", "product", "host", "clock", "entropy"]),
    ("telemetry", &[]),
    ("product", &["host"]),
    ("host", &[]),
    ("clock", &[]),
    ("entropy", &[]),
];

fn files(folder: &str, extension: &str) -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut found = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|found| found == extension) {
                let text = fs::read_to_string(&path).expect("text");
                found.push((path.strip_prefix(&root).expect("below").to_owned(), text));
            }
        }
    }
    found
}

/// `web` of `web/pages/home.rs`, `clock` of `clock.rs`.
fn room(file: &Path) -> String {
    let first = file.iter().next().expect("a name").to_string_lossy();
    first.trim_end_matches(".rs").to_owned()
}

/// The lines that are not comments.
fn code(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter(|line| !line.trim_start().starts_with("//"))
}

#[test]
fn nothing_imports_upwards() {
    for (file, text) in files("src", "rs") {
        let own = room(&file);
        let (_, may_enter) = ROOMS.iter().find(|(name, _)| *name == own).unwrap_or_else(|| panic!("a new room: {own}"));
        let code: String = code(&text).collect::<Vec<_>>().join("\n");
        for path in ["crate::", "keydesk::"].iter().flat_map(|root| code.split(root).skip(1)) {
            let entered = path.split(|c: char| !c.is_ascii_lowercase()).next().unwrap_or_default();
            let known = ROOMS.iter().any(|(name, _)| *name == entered);
            let fine = !known || entered == own || may_enter.contains(&entered);
            assert!(fine, "src/{} reaches up into {entered}", file.display());
            assert!(!path.starts_with('{'), "src/{} imports several rooms at once: name each", file.display());
        }
    }
}

#[test]
fn each_crate_stays_in_its_room() {
    for (crate_name, rooms) in [
        ("axum::", vec!["web"]),
        ("askama", vec!["web"]),
        ("utoipa", vec!["web"]),
        ("sqlx::query", vec!["store"]),
        ("redis::cmd", vec!["jobs"]),
    ] {
        for (file, text) in files("src", "rs").iter().filter(|(file, _)| !rooms.contains(&room(file).as_str())) {
            assert!(!code(text).any(|line| line.contains(crate_name)), "src/{} speaks {crate_name}", file.display());
        }
    }
}

#[test]
fn every_template_escapes_and_every_file_has_a_name_of_its_own() {
    for (file, text) in files("templates", "html") {
        assert!(!text.replace(' ', "").contains("|safe"), "templates/{} does not escape", file.display());
    }
    for (file, _) in files("src", "rs") {
        for name in ["utils", "helpers", "common", "services"] {
            assert!(
                !file.iter().any(|part| part.to_string_lossy().trim_end_matches(".rs") == name),
                "{}",
                file.display()
            );
        }
    }
}
