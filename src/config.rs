//! Settings: what an installation is told from outside, as flags or `KEYDESK_*` variables, and the secret file that
//! every key is derived from.

pub mod door;
pub mod google;
pub mod secret_file;

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use lettre::message::Mailbox;
use lettre::{AsyncSmtpTransport, Tokio1Executor};

use self::door::Door;
use self::google::Google;
use crate::entropy::Entropy;
use crate::host::{host_of, is_loopback};
use crate::model::key_source::KeySource;
use crate::model::secret_file::SecretFile;
use crate::model::security_contact::SecurityContact;
use crate::model::trusted_proxies::TrustedProxies;
use crate::product::{Definition, Product};

/// For one reply of a mail server.
const SMTP_TIMEOUT: Duration = Duration::from_secs(10);

#[derive(Args, Clone, Debug)]
pub struct Settings {
    /// Address to listen on.
    #[arg(long, env = "KEYDESK_LISTEN", default_value = "127.0.0.1:8080", global = true)]
    pub listen: SocketAddr,

    #[command(flatten)]
    pub door: Door,

    /// Where people reach Keydesk, such as `https://keys.example.com`; it decides cookies, links and the token issuer.
    /// Default: `http://localhost` with the port listened on.
    #[arg(long, env = "KEYDESK_PUBLIC_URL", global = true)]
    pub public_url: Option<String>,

    /// `sqlite://PATH` or `postgres://…`. Default: keydesk.db in the data directory.
    #[arg(long, env = "KEYDESK_DATABASE_URL", hide_env_values = true, global = true)]
    pub database_url: Option<String>,

    /// Valkey or Redis where several nodes count rate limits together: `redis://…`, `rediss://…` or `unix://PATH`. A key may
    /// pass its limit by what the other nodes let through in 10 ms and two ways to the server. Default: none; each node counts
    /// alone.
    #[arg(long, env = "KEYDESK_REDIS_URL", hide_env_values = true, global = true)]
    pub redis_url: Option<String>,

    /// Directory for the database and the secret file; created when missing.
    #[arg(long, env = "KEYDESK_DATA_DIR", default_value = "./data", global = true)]
    pub data_dir: PathBuf,

    /// Product definition (TOML). Default: the built-in one.
    #[arg(long, env = "KEYDESK_PRODUCT", global = true)]
    pub product: Option<PathBuf>,

    /// File that every key is derived from. Default: secret in the data directory, created 0600 on the first start.
    #[arg(long, env = "KEYDESK_SECRET_FILE", global = true)]
    pub secret_file: Option<PathBuf>,

    /// Addresses and CIDRs, a comma between two, of gateways and proxies whose X-Forwarded-* and X-Original-* are
    /// believed. Default: none.
    #[arg(long, env = "KEYDESK_TRUSTED_PROXIES", default_value = "", hide_default_value = true, global = true)]
    pub trusted_proxies: TrustedProxies,

    /// Mail server: `smtps://user:password@host`, or `smtp://host?tls=required`. Default: none; mail is printed instead.
    #[arg(long, env = "KEYDESK_SMTP_URL", hide_env_values = true, global = true)]
    pub smtp_url: Option<String>,

    /// Whom mail comes from, such as "Keydesk <keys@example.com>".
    #[arg(long, env = "KEYDESK_MAIL_FROM", default_value = "Keydesk <keydesk@localhost>", global = true)]
    pub mail_from: Mailbox,

    #[command(flatten)]
    pub google: Google,

    /// Public keys of GitHub secret scanning, a file or `https://api.github.com/meta/public_keys/secret_scanning`: what it
    /// finds is switched off. Default: none; its findings are not taken.
    #[arg(long, env = "KEYDESK_SECRET_SCANNING_KEYS", global = true)]
    pub secret_scanning_keys: Option<KeySource>,

    /// Whom security.txt names beside the page for leaked keys, mailto: or https://. Default: nobody.
    #[arg(long, env = "KEYDESK_SECURITY_CONTACT", global = true)]
    pub security_contact: Option<SecurityContact>,

    /// API keys that the gate remembers at once; the others cost one read each.
    #[arg(long, env = "KEYDESK_CACHE_KEYS", default_value_t = 100_000, global = true)]
    pub cache_keys: usize,

    /// Address that /metrics is served on, for Prometheus and its kind. Default: none.
    #[arg(long, env = "KEYDESK_METRICS_LISTEN", global = true)]
    pub metrics_listen: Option<SocketAddr>,

    /// How log lines look.
    #[arg(long, env = "KEYDESK_LOG_FORMAT", default_value = "text", value_parser = ["text", "json"], global = true)]
    pub log_format: String,
}

/// A setting that Keydesk cannot start with, in words for whoever set it.
#[derive(Debug, thiserror::Error)]
pub enum SettingError {
    #[error("cannot create the data directory {0}: {1}")]
    DataDir(PathBuf, io::Error),
    #[error("cannot read or create the secret file {0}: {1}")]
    SecretFile(PathBuf, io::Error),
    #[error(
        "the secret file {0} is missing, and the database was made with one. Put it back from your backup of secrets; if there is none, run: keydesk secret-file lost"
    )]
    SecretFileMissing(PathBuf),
    #[error(
        "the secret file {0} is not the one that the database was made with: no key would work. Put that one back from your backup of secrets; if there is none, move this one away and run: keydesk secret-file lost"
    )]
    SecretFileStrange(PathBuf),
    #[error(
        "the secret file {0} was replaced since (keydesk secret-file rotate): copy the new one here from where that was done"
    )]
    SecretFileFormer(PathBuf),
    #[error(
        "the secret file {0} lacks its old half, which still counts: copy it here from where keydesk secret-file rotate was run, or run keydesk secret-file retire"
    )]
    SecretFileHalf(PathBuf),
    #[error("cannot replace the secret file {0}: {1}. It is as it was")]
    SecretFileReplaced(PathBuf, io::Error),
    #[error("the secret file {0} can be read by others; run: chmod 600 {0}")]
    SecretFileOpen(PathBuf),
    #[error(
        "the secret file {0} must hold exactly 32 bytes, or 64 while it is being replaced; restore it from your backup of secrets"
    )]
    SecretFileSize(PathBuf),
    #[error("KEYDESK_PUBLIC_URL {0:?} must be http:// or https:// and a host, with nothing behind it")]
    PublicUrl(String),
    #[error(
        "KEYDESK_PUBLIC_URL {0:?} must be https:// unless its host is this machine: passwords and keys would travel in the clear"
    )]
    PlainHttp(String),
    #[error(
        "KEYDESK_REDIS_URL cannot be read: write redis://host, rediss://user:password@host for TLS, or unix:///path/to/socket"
    )]
    RedisUrl,
    #[error("KEYDESK_SMTP_URL cannot be used: {0}")]
    SmtpUrl(#[from] lettre::transport::smtp::Error),
    #[error(
        "KEYDESK_SMTP_URL would send mail in the clear: begin it with smtps://, or end it with ?tls=required; only a mail server on this machine may do without"
    )]
    PlainSmtp,
    #[error("{0}")]
    Google(#[from] google::Mistake),
    #[error("{0}")]
    Door(#[from] door::Mistake),
    #[error("{0}")]
    Product(#[from] crate::product::Refused),
}

impl Settings {
    /// # Errors
    /// If the directory cannot be made.
    pub fn make_data_dir(&self) -> Result<(), SettingError> {
        std::fs::create_dir_all(&self.data_dir).map_err(|error| SettingError::DataDir(self.data_dir.clone(), error))
    }

    pub fn database_url(&self) -> String {
        self.database_url.clone().unwrap_or_else(|| format!("sqlite://{}", self.data_dir.join("keydesk.db").display()))
    }

    /// # Errors
    /// If the file cannot be read or contradicts itself.
    pub fn product(&self) -> Result<Product, SettingError> {
        Ok(self.definition()?.product)
    }

    /// # Errors
    /// As [`Settings::product`].
    pub fn definition(&self) -> Result<Definition, SettingError> {
        Ok(Definition::load(self.product.as_deref())?)
    }

    /// The mail server, if there is one.
    ///
    /// # Errors
    /// If its URL cannot be read, or it would be spoken to in the clear.
    pub fn smtp(&self) -> Result<Option<AsyncSmtpTransport<Tokio1Executor>>, SettingError> {
        let Some(url) = &self.smtp_url else { return Ok(None) };
        // The host behind the credentials, and the option where options stand: either could stand in a password too.
        let read = url.parse::<http::Uri>().ok();
        let host = read.as_ref().and_then(http::Uri::host).unwrap_or_default().trim_matches(['[', ']']);
        let options = read.as_ref().and_then(http::Uri::query).unwrap_or_default();
        let is_encrypted = url.starts_with("smtps://") || options.split('&').any(|option| option == "tls=required");
        if !is_encrypted && !is_loopback(host) {
            return Err(SettingError::PlainSmtp);
        }
        Ok(Some(AsyncSmtpTransport::<Tokio1Executor>::from_url(url)?.timeout(Some(SMTP_TIMEOUT)).build()))
    }

    /// Where nodes count rate limits together, if they do. Nobody is asked yet: that it is away stops no start.
    ///
    /// # Errors
    /// If its URL cannot be read.
    pub fn redis(&self) -> Result<Option<redis::Client>, SettingError> {
        let Some(url) = self.redis_url.as_deref().filter(|url| !url.is_empty()) else { return Ok(None) };
        // What stands behind a # asks for TLS that checks nobody's certificate.
        if url.contains('#') {
            return Err(SettingError::RedisUrl);
        }
        // Why it cannot be read may repeat the password.
        redis::Client::open(url).map(Some).map_err(|_| SettingError::RedisUrl)
    }

    pub fn secret_path(&self) -> PathBuf {
        self.secret_file.clone().unwrap_or_else(|| self.data_dir.join("secret"))
    }

    /// The file of an SQLite database.
    pub fn database_file(&self) -> Option<PathBuf> {
        self.database_url().strip_prefix("sqlite://").map(PathBuf::from)
    }

    /// Reads the secret file, or creates it on the first start.
    ///
    /// # Errors
    /// If it cannot be read or created, others may read it, or it has the wrong size.
    pub fn secret_file(&self, entropy: &Entropy) -> Result<SecretFile, SettingError> {
        match self.existing_secret_file() {
            Err(SettingError::SecretFileMissing(path)) => {
                let file = SecretFile::generate(entropy);
                secret_file::create(&path, &file)?;
                Ok(file)
            }
            read => read,
        }
    }

    /// Reads the secret file of an earlier start.
    ///
    /// # Errors
    /// As [`Settings::secret_file`], and if there is none.
    pub fn existing_secret_file(&self) -> Result<SecretFile, SettingError> {
        secret_file::read(self.secret_path())
    }

    /// The public URL without a trailing slash. `bound` is the address actually listened on.
    ///
    /// # Errors
    /// If it is not a scheme and a host.
    pub fn public_url(&self, bound: SocketAddr) -> Result<String, SettingError> {
        let is_tls = self.door.certificate_files()?.is_some();
        let Some(url) = &self.public_url else {
            return Ok(format!("{}://localhost:{}", if is_tls { "https" } else { "http" }, bound.port()));
        };
        let trimmed = url.trim_end_matches('/');
        let host = trimmed.strip_prefix("https://").or_else(|| trimmed.strip_prefix("http://"));
        let sane = host.is_some_and(|host| !host.is_empty() && !host.contains(['/', '?', '#', '@', ' ']));
        if !sane {
            return Err(SettingError::PublicUrl(url.clone()));
        }
        if trimmed.starts_with("http://") && !is_loopback(host_of(trimmed)) {
            return Err(SettingError::PlainHttp(url.clone()));
        }
        if is_tls && trimmed.starts_with("http://") {
            return Err(door::Mistake::PlainPublicUrl(url.clone()).into());
        }
        Ok(trimmed.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    pub struct Line {
        #[command(flatten)]
        settings: Settings,
    }

    pub fn settings(arguments: &[&str]) -> Settings {
        Line::parse_from([&["keydesk"], arguments].concat()).settings
    }

    #[test]
    fn the_secret_file_is_made_once_and_private() {
        let dir = tempfile::tempdir().expect("a directory");
        let settings = settings(&["--data-dir", dir.path().to_str().expect("a path")]);
        settings.secret_file(&Entropy::System).expect("a first start");
        let file = dir.path().join("secret");
        let first = std::fs::read(&file).expect("the file");
        assert_eq!(std::fs::metadata(&file).expect("the file").permissions().mode() & 0o777, 0o600);
        settings.secret_file(&Entropy::System).expect("a second start");
        assert_eq!(std::fs::read(&file).expect("the file"), first);
    }

    #[test]
    fn a_secret_file_that_others_read_or_that_is_cut_refuses_the_start() {
        let dir = tempfile::tempdir().expect("a directory");
        let settings = settings(&["--data-dir", dir.path().to_str().expect("a path")]);
        let file = dir.path().join("secret");
        std::fs::write(&file, [1; 32]).expect("a file");
        std::fs::set_permissions(&file, PermissionsExt::from_mode(0o644)).expect("permissions");
        assert!(matches!(settings.secret_file(&Entropy::System), Err(SettingError::SecretFileOpen(_))));
        std::fs::set_permissions(&file, PermissionsExt::from_mode(0o600)).expect("permissions");
        std::fs::write(&file, [1; 31]).expect("a file");
        assert!(matches!(settings.secret_file(&Entropy::System), Err(SettingError::SecretFileSize(_))));
    }

    #[tokio::test]
    async fn mail_leaves_this_machine_encrypted_or_not_at_all() {
        assert!(settings(&[]).smtp().expect("no mail server").is_none());
        for sound in [
            "smtps://ana:word@mail.example",
            "smtp://ana:word@mail.example:587?tls=required",
            "smtp://127.0.0.1:2525",
            "smtp://[::1]:2525",
            "smtp://ana:word@localhost",
        ] {
            assert!(settings(&["--smtp-url", sound]).smtp().is_ok(), "{sound}");
        }
        for plain in [
            "smtp://mail.example",
            "smtp://mail.example?tls=opportunistic",
            "smtp://localhost:word@mail.example",
            "smtp://ana:tls=required@mail.example",
            "mail.example",
        ] {
            assert!(matches!(settings(&["--smtp-url", plain]).smtp(), Err(SettingError::PlainSmtp)), "{plain}");
        }
    }

    #[test]
    fn nodes_count_together_where_a_url_says_and_alone_without() {
        assert!(settings(&[]).redis().expect("none").is_none());
        assert!(settings(&["--redis-url", ""]).redis().expect("none").is_none());
        for sound in ["redis://127.0.0.1:6379", "rediss://ana:word@cache.example", "unix:///run/redis.sock"] {
            assert!(settings(&["--redis-url", sound]).redis().expect(sound).is_some());
        }
        for bad in ["cache.example:6379", "http://cache.example", "redis://", "rediss://cache.example/#insecure"] {
            assert!(matches!(settings(&["--redis-url", bad]).redis(), Err(SettingError::RedisUrl)), "{bad}");
        }
    }

    #[test]
    fn the_public_url_is_a_scheme_and_a_host() {
        let bound = "127.0.0.1:9000".parse().expect("an address");
        assert_eq!(settings(&[]).public_url(bound).expect("the default"), "http://localhost:9000");
        assert_eq!(
            settings(&["--public-url", "https://k.example/"]).public_url(bound).expect("a URL"),
            "https://k.example"
        );
        assert!(settings(&["--public-url", "http://127.0.0.2:9000"]).public_url(bound).is_ok());
        for bad in [
            "http://k.example",
            "k.example",
            "ftp://k.example",
            "https://",
            "https://k.example/desk",
            "https://a@b.example",
        ] {
            assert!(settings(&["--public-url", bad]).public_url(bound).is_err(), "{bad}");
        }
    }
}
