//! The certificate that TLS is spoken with, and its key. It is read at the start, and again whenever its files have
//! changed; one that cannot be used leaves the one in use where it is.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::SystemTime;

use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{self, ServerConfig};
use zeroize::Zeroizing;

/// Why a certificate cannot be used, in words for whoever set it.
#[derive(Debug, thiserror::Error)]
pub enum Unusable {
    #[error("cannot read the certificate {0}: {1}")]
    Certificate(PathBuf, io::Error),
    #[error("there is no certificate in {0}; it must hold the whole chain as PEM, your own certificate first")]
    NoCertificate(PathBuf),
    #[error("cannot read the private key {0}: {1}")]
    Key(PathBuf, io::Error),
    #[error("there is no private key in {0}; it must hold one as PEM, without a passphrase")]
    NoKey(PathBuf),
    #[error("the private key {0} can be read by everybody; run: chmod o= {0}")]
    KeyOpen(PathBuf),
    #[error("the private key {1} is not the one that the certificate {0} was made for")]
    Mismatch(PathBuf, PathBuf),
    #[error("the certificate {0} cannot be used: {1}")]
    Refused(PathBuf, rustls::Error),
}

pub struct Certificate {
    chain: PathBuf,
    key: PathBuf,
    current: RwLock<Current>,
}

struct Current {
    config: Arc<ServerConfig>,
    /// When the files were written that were read last, whether they could be used or not.
    written: Written,
}

type Written = [Option<SystemTime>; 2];

impl Certificate {
    /// # Errors
    /// If the files do not hold a certificate and its key.
    pub fn open(chain: PathBuf, key: PathBuf) -> Result<Self, Unusable> {
        // First, so that what is written meanwhile is read again.
        let written = written(&chain, &key);
        let config = read(&chain, &key)?;
        Ok(Self { current: RwLock::new(Current { config, written }), chain, key })
    }

    /// For the next connection.
    pub fn acceptor(&self) -> TlsAcceptor {
        self.current.read().unwrap_or_else(PoisonError::into_inner).config.clone().into()
    }

    /// Whether the files were written since they were read last.
    pub fn is_rewritten(&self) -> bool {
        self.current.read().unwrap_or_else(PoisonError::into_inner).written != written(&self.chain, &self.key)
    }

    /// Takes up what the files hold now.
    ///
    /// # Errors
    /// If it cannot be used; then the one in use stays.
    pub fn renew(&self) -> Result<(), Unusable> {
        let written = written(&self.chain, &self.key);
        let read = read(&self.chain, &self.key);
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        current.written = written;
        current.config = read?;
        Ok(())
    }
}

fn written(certificate: &Path, key: &Path) -> Written {
    [certificate, key].map(|file| std::fs::metadata(file).and_then(|about| about.modified()).ok())
}

fn read(certificate: &Path, key: &Path) -> Result<Arc<ServerConfig>, Unusable> {
    let chain = chain(certificate)?;
    let secret = private_key(key)?;
    let refused = |error| match error {
        rustls::Error::InconsistentKeys(_) => Unusable::Mismatch(certificate.to_owned(), key.to_owned()),
        error => Unusable::Refused(certificate.to_owned(), error),
    };
    let builder = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()));
    let builder = builder.with_safe_default_protocol_versions().map_err(refused)?;
    let mut config = builder.with_no_client_auth().with_single_cert(chain, secret).map_err(refused)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

fn chain(file: &Path) -> Result<Vec<CertificateDer<'static>>, Unusable> {
    let pem = std::fs::read(file).map_err(|error| Unusable::Certificate(file.to_owned(), error))?;
    let chain = CertificateDer::pem_slice_iter(&pem).collect::<Result<Vec<_>, _>>().unwrap_or_default();
    if chain.is_empty() { Err(Unusable::NoCertificate(file.to_owned())) } else { Ok(chain) }
}

fn private_key(file: &Path) -> Result<PrivateKeyDer<'static>, Unusable> {
    use std::os::unix::fs::PermissionsExt;
    let failed = |error| Unusable::Key(file.to_owned(), error);
    // A group that reads keys, such as Debian's ssl-cert, is usual.
    if std::fs::metadata(file).map_err(failed)?.permissions().mode() & 0o007 != 0 {
        return Err(Unusable::KeyOpen(file.to_owned()));
    }
    let pem = Zeroizing::new(std::fs::read(file).map_err(failed)?);
    PrivateKeyDer::from_pem_slice(&pem).map_err(|_| Unusable::NoKey(file.to_owned()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    /// Writes a certificate and its key, and names the files.
    fn files(folder: &Path, name: &str) -> (PathBuf, PathBuf) {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
        let (certificate, key) = (folder.join(format!("{name}.pem")), folder.join(format!("{name}.key")));
        std::fs::write(&certificate, made.cert.pem()).expect("a file");
        std::fs::write(&key, made.signing_key.serialize_pem()).expect("a file");
        std::fs::set_permissions(&key, PermissionsExt::from_mode(0o640)).expect("permissions");
        (certificate, key)
    }

    #[test]
    fn every_mistake_with_a_certificate_is_named() {
        let folder = tempfile::tempdir().expect("a folder");
        let (certificate, key) = files(folder.path(), "one");
        let (other, other_key) = files(folder.path(), "other");
        let empty = folder.path().join("empty");
        std::fs::write(&empty, "-----BEGIN NOTHING-----\n").expect("a file");
        std::fs::set_permissions(&empty, PermissionsExt::from_mode(0o600)).expect("permissions");
        let nowhere = folder.path().join("nowhere");
        let open = |certificate: &Path, key: &Path| Certificate::open(certificate.to_owned(), key.to_owned());
        assert!(open(&certificate, &key).is_ok());
        assert!(matches!(open(&nowhere, &key), Err(Unusable::Certificate(..))));
        assert!(matches!(open(&empty, &key), Err(Unusable::NoCertificate(_))));
        assert!(matches!(open(&key, &key), Err(Unusable::NoCertificate(_))));
        assert!(matches!(open(&certificate, &nowhere), Err(Unusable::Key(..))));
        assert!(matches!(open(&certificate, &empty), Err(Unusable::NoKey(_))));
        assert!(matches!(open(&certificate, &other_key), Err(Unusable::Mismatch(..))));
        assert!(matches!(open(&other, &key), Err(Unusable::Mismatch(..))));
        std::fs::set_permissions(&key, PermissionsExt::from_mode(0o644)).expect("permissions");
        assert!(matches!(open(&certificate, &key), Err(Unusable::KeyOpen(_))));
    }
}
