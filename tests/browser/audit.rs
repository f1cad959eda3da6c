//! This side of the secret audit in `scripts/test`: tests note every plaintext they come to know, and keep the
//! databases and logs that they made. Afterwards the script looks for the ones in the others and must find none.
//!
//! Without `KEYDESK_SECRET_AUDIT` nothing is noted and nothing is kept.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::PathBuf;

use tempfile::TempDir;

fn directory() -> Option<PathBuf> {
    std::env::var_os("KEYDESK_SECRET_AUDIT").map(PathBuf::from)
}

/// Notes a plaintext that no database and no log may hold.
///
/// What has under 12 characters is no credential of ours, and would be found everywhere.
pub fn note(plaintext: &str) {
    let Some(directory) = directory() else { return };
    if plaintext.len() < 12 {
        return;
    }
    let path = directory.join("plaintexts");
    let noted = OpenOptions::new()
        .create(true)
        .append(true)
        .open(&path)
        .and_then(|mut notes| notes.write_all(format!("{plaintext}\n").as_bytes()));
    noted.unwrap_or_else(|error| panic!("{} cannot be written: {error}", path.display()));
}

/// Notes whatever in `text` has the shape of a key's secret: words joined by `_`, the last of 43 characters and a
/// checksum of 6.
pub fn note_secrets_in(text: &str) {
    text.split(|character: char| !character.is_ascii_alphanumeric() && character != '_')
        .filter(|word| word.rsplit_once('_').is_some_and(|(_, random)| random.len() == 49))
        .for_each(note);
}

/// A fresh folder for a database and its logs: kept for the audit, or gone when dropped.
pub fn folder(prefix: &str) -> TempDir {
    let kept = directory().map(|directory| directory.join("kept"));
    let mut folder = tempfile::Builder::new();
    folder.prefix(prefix).disable_cleanup(kept.is_some());
    kept.map_or_else(|| folder.tempdir(), |kept| folder.tempdir_in(kept)).expect("a folder for the test can be made")
}
