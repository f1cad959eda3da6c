//! What the program says of itself without a database: help of every subcommand, completions, the manual, the licences.

use std::process::Command;

use crate::commands::{folder, keydesk, said};

fn typed(arguments: &[&str]) -> String {
    let folder = folder();
    let (fine, out, err) = said(&keydesk(folder.path(), arguments).output().expect("it runs"));
    assert!(fine && err.is_empty(), "{arguments:?}: {err}");
    assert!(!folder.path().join("data").exists(), "{arguments:?} made a data directory");
    out
}

/// The subcommands that help names, in their order.
fn subcommands(help: &str) -> Vec<&str> {
    let list = help.split_once("Commands:\n").map_or("", |(_, list)| list);
    let list = list.split_once("\n\n").map_or(list, |(list, _)| list);
    list.lines().filter_map(|line| line.strip_prefix("  ")?.split(' ').next()).filter(|name| !name.is_empty()).collect()
}

#[test]
fn every_subcommand_says_what_it_is_for() {
    let help = typed(&["--help"]);
    let names = subcommands(&help);
    assert!(names.contains(&"completions") && names.contains(&"man") && names.contains(&"licenses"), "{names:?}");
    for name in names.into_iter().filter(|name| *name != "help") {
        let own = typed(&[name, "--help"]);
        let sentence = own.lines().next().unwrap_or_default();
        assert!(sentence.contains(' ') || sentence.ends_with('.'), "{name}: {sentence}");
        for below in subcommands(&own).into_iter().filter(|below| *below != "help") {
            assert!(typed(&[name, below, "--help"]).contains("Usage: keydesk"), "{name} {below}");
        }
    }
}

#[test]
fn shells_complete_subcommands_and_flags() {
    for (shell, begins) in [("bash", "_keydesk()"), ("zsh", "#compdef keydesk"), ("fish", "# Print an optspec")] {
        let script = typed(&["completions", shell]);
        assert!(script.starts_with(begins), "{shell}: {}", &script[..80]);
        for word in ["secret-file", "scanner-rules", "public-url", "licenses"] {
            assert!(script.contains(word), "{shell} does not complete {word}");
        }
    }
    let folder = folder();
    let other = keydesk(folder.path(), &["completions", "cmd"]).output().expect("it runs");
    assert!(!other.status.success());
}

#[test]
fn bash_completes_what_is_begun() {
    let folder = folder();
    let script = folder.path().join("keydesk.bash");
    std::fs::write(&script, typed(&["completions", "bash"])).expect("the script is written");
    let ask = "source keydesk.bash; COMP_WORDS=(keydesk sess); COMP_CWORD=1; _keydesk keydesk sess keydesk; echo \"${COMPREPLY[@]}\"";
    let answer = Command::new("bash").args(["-c", ask]).current_dir(folder.path()).output().expect("bash runs");
    assert_eq!(String::from_utf8_lossy(&answer.stdout).trim(), "session-keys");
}

#[test]
fn the_manual_is_a_page_or_one_for_each_subcommand() {
    let page = typed(&["man"]);
    assert!(page.contains(".TH keydesk 1") && page.contains("KEYDESK_PUBLIC_URL"), "{}", &page[..200]);
    let folder = folder();
    let pages = folder.path().join("share").join("man1");
    let written = keydesk(folder.path(), &["man", "share/man1"]).output().expect("it runs");
    assert!(written.status.success());
    for name in ["keydesk.1", "keydesk-key-leaked.1", "keydesk-serve.1"] {
        let text = std::fs::read_to_string(pages.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(text.contains(".TH"), "{name}");
    }
    std::fs::write(folder.path().join("file"), "").expect("a file");
    let (fine, _, err) = said(&keydesk(folder.path(), &["man", "file"]).output().expect("it runs"));
    assert!(!fine && err.contains("cannot write the manual into file"), "{err}");
}

#[test]
fn the_licences_of_what_it_is_built_from_are_printed_whole() {
    let licences = typed(&["licenses"]);
    assert!(licences.len() > 100_000 && licences.contains("axum 0."), "{}", licences.len());
    assert!(licences.contains("Permission is hereby granted") && licences.contains("Mozilla Public License"));
}
