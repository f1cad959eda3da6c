//! Who has the database file: every Keydesk that opens it shares a lock beside it, and a restore has it alone. The kernel
//! lets go of it with the process, however that ends.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use super::OpenError;

/// The lock; it ends when dropped.
#[derive(Debug)]
pub struct FileLock(#[expect(dead_code, reason = "it is held, not read")] File);

impl FileLock {
    /// Shares the database file with every other Keydesk.
    ///
    /// # Errors
    /// If somebody has it alone.
    pub fn shared(database: &Path) -> Result<Self, OpenError> {
        let file = file(database)?;
        match file.try_lock_shared() {
            Ok(()) => Ok(Self(file)),
            Err(TryLockError::WouldBlock) => Err(OpenError::Restoring),
            Err(TryLockError::Error(error)) => Err(sqlx::Error::Io(error).into()),
        }
    }

    /// Has the database file alone.
    ///
    /// # Errors
    /// If a Keydesk has it open.
    pub fn alone(database: &Path) -> Result<Self, OpenError> {
        let file = file(database)?;
        match file.try_lock() {
            Ok(()) => Ok(Self(file)),
            Err(TryLockError::WouldBlock) => Err(OpenError::InUse),
            Err(TryLockError::Error(error)) => Err(sqlx::Error::Io(error).into()),
        }
    }
}

/// The file of the lock. It holds nothing; whoever may reach the folder may read it, so that a command of the machine's
/// owner does not keep the service out.
fn file(database: &Path) -> Result<File, OpenError> {
    let path = beside(database, "-lock");
    let found = match File::open(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            OpenOptions::new().append(true).create(true).mode(0o644).open(&path)
        }
        found => found,
    };
    Ok(found.map_err(sqlx::Error::Io)?)
}

/// A file beside the database, by what its name has behind the database's.
pub(super) fn beside(database: &Path, ending: &str) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(ending);
    name.into()
}
