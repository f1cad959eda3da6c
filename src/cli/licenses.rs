//! `keydesk licenses`: the licences of what the program is built from. `scripts/licenses` gathers them, and a test of the
//! lock file says when it has to again.

use std::io::{Write as _, stdout};

use super::Failure;

const THIRD_PARTY: &str = include_str!("../../licenses/third-party.txt");

pub fn run() -> Result<(), Failure> {
    Ok(stdout().write_all(THIRD_PARTY.as_bytes())?)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    const LOCK: &str = include_str!("../../Cargo.lock");
    const NOT_LINKED: &str = include_str!("../../licenses/not-linked.txt");

    /// Name and version of every crate that does not lie here.
    fn locked() -> BTreeSet<String> {
        let packages = LOCK.split("[[package]]").filter(|package| package.contains("\nchecksum = "));
        let value = |package: &str, field: &str| {
            let line = package.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(" = "));
            line.expect("every package has one").trim_matches('"').to_owned()
        };
        packages.map(|package| format!("{} {}", value(package, "name"), value(package, "version"))).collect()
    }

    /// Those that the file lists over a licence: `a 1.0.0, b 2.1.0`.
    fn named() -> BTreeSet<String> {
        let is_crate = |words: &str| {
            let version = words.split_once(' ').map(|(_, version)| version);
            version.is_some_and(|version| version.starts_with(|c: char| c.is_ascii_digit()) && version.contains('.'))
        };
        let lists = THIRD_PARTY.lines().filter(|line| line.split(", ").all(is_crate));
        lists.flat_map(|line| line.split(", ")).map(str::to_owned).collect()
    }

    #[test]
    fn every_crate_of_the_lock_file_has_its_licence_here_or_is_known_not_to_be_in_the_program() {
        let not_linked: BTreeSet<_> = NOT_LINKED.lines().map(str::to_owned).collect();
        let known: BTreeSet<_> = named().union(&not_linked).cloned().collect();
        let news: Vec<_> = locked().difference(&known).cloned().collect();
        assert!(news.is_empty(), "run scripts/licenses: {news:?}");
        let gone: Vec<_> = not_linked.difference(&locked()).cloned().collect();
        assert!(gone.is_empty(), "run scripts/licenses: {gone:?}");
    }

    #[test]
    fn the_licences_are_small_enough_to_carry() {
        assert!(THIRD_PARTY.len() < 200_000, "{}", THIRD_PARTY.len());
        assert!(THIRD_PARTY.contains("Mozilla Public License Version 2.0"));
    }
}
