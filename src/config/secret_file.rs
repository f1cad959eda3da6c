//! Where the secret file lies: made once, readable by its owner alone, and replaced in one step. Whoever reads it finds the
//! old one whole or the new one whole, also after a power cut.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _, chown};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::SettingError;
use crate::model::secret_file::SecretFile;

pub(super) fn read(path: PathBuf) -> Result<SecretFile, SettingError> {
    let mode = match std::fs::metadata(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(SettingError::SecretFileMissing(path)),
        Err(error) => return Err(SettingError::SecretFile(path, error)),
        Ok(found) => found.permissions().mode(),
    };
    if mode & 0o077 != 0 {
        return Err(SettingError::SecretFileOpen(path));
    }
    let bytes = match std::fs::read(&path) {
        Ok(bytes) => Zeroizing::new(bytes),
        Err(error) => return Err(SettingError::SecretFile(path, error)),
    };
    SecretFile::parse(&bytes).ok_or(SettingError::SecretFileSize(path))
}

/// Makes the secret file, where there is none.
///
/// # Errors
/// If there is one, or the folder does not let it.
pub fn create(path: &Path, secret: &SecretFile) -> Result<(), SettingError> {
    created(path, secret).map_err(|error| SettingError::SecretFile(path.to_owned(), error))
}

fn created(path: &Path, secret: &SecretFile) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(&secret.bytes())?;
    file.sync_all()
}

/// Puts `secret` in the place of the secret file at `path`, for the same owner.
///
/// # Errors
/// If the folder does not let it; then the file is as it was.
pub fn replace(path: &Path, secret: &SecretFile) -> Result<(), SettingError> {
    replaced(path, secret).map_err(|error| SettingError::SecretFileReplaced(path.to_owned(), error))
}

fn replaced(path: &Path, secret: &SecretFile) -> io::Result<()> {
    // What it links to, if it is a link: that is what is mounted and copied.
    let path = path.canonicalize()?;
    let mut aside = path.clone().into_os_string();
    aside.push(".new");
    let aside = PathBuf::from(aside);
    // Left by a run that was cut off before it counted.
    match std::fs::remove_file(&aside) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    created(&aside, secret)?;
    // Typed by root, it is still the service that reads it.
    let (was, is) = (std::fs::metadata(&path)?, std::fs::metadata(&aside)?);
    if (was.uid(), was.gid()) != (is.uid(), is.gid()) {
        chown(&aside, Some(was.uid()), Some(was.gid()))?;
    }
    std::fs::rename(&aside, &path)?;
    match path.parent() {
        Some(folder) => File::open(folder)?.sync_all(),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::Entropy;

    #[test]
    fn it_is_replaced_whole_and_stays_private_though_a_run_before_was_cut_off() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("secret");
        let first = SecretFile::generate(&Entropy::seeded(1));
        create(&path, &first).expect("a first start");
        std::fs::write(folder.path().join("secret.new"), "half").expect("what a cut leaves");
        let both = first.with_successor(&Entropy::seeded(2));
        replace(&path, &both).expect("replaced");
        assert_eq!(read(path.clone()).expect("two generations").bytes(), both.bytes());
        assert_eq!(std::fs::metadata(&path).expect("the file").permissions().mode() & 0o777, 0o600);
        assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 1, "nothing is left beside it");
        let missing = replace(&folder.path().join("other"), &both);
        assert!(matches!(missing, Err(SettingError::SecretFileReplaced(..))));
    }
}
