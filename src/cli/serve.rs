//! `keydesk serve`: opens the database, listens, and serves until told to stop.

use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::{Args, Parser};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use super::Failure;
use super::admin::{NewAdmin, make_admin};
use crate::clock::Clock;
use crate::config::{SettingError, Settings};
use crate::entropy::Entropy;
use crate::jobs;
use crate::jobs::mail::{Laid, Route};
use crate::model::keyring::Keyring;
use crate::model::letter::Letter;
use crate::product::Report;
use crate::store::Db;
use crate::store::installation::{self, Stranger};
use crate::web::google::Google;
use crate::web::scanning_keys::ScanningKeys;
use crate::web::{App, Parts, server};

/// How long a stop may write what was counted.
const LAST_FLUSH: Duration = Duration::from_secs(5);

/// The administrator that a first start makes, for machines that nobody types on.
#[derive(Args, Clone, Debug, Default)]
pub struct Bootstrap {
    /// Email of the first administrator, made when nobody has this address yet.
    #[arg(long, env = "KEYDESK_BOOTSTRAP_ADMIN_EMAIL", requires = "bootstrap_admin_password_file")]
    bootstrap_admin_email: Option<String>,

    /// File with their password, in its first line.
    #[arg(long, env = "KEYDESK_BOOTSTRAP_ADMIN_PASSWORD_FILE")]
    bootstrap_admin_password_file: Option<PathBuf>,
}

#[derive(Parser)]
struct Alone {
    #[command(flatten)]
    bootstrap: Bootstrap,
}

impl Bootstrap {
    /// What the environment says, when no subcommand was typed.
    pub fn from_environment() -> Self {
        Alone::parse_from(["keydesk"]).bootstrap
    }
}

/// Serves until SIGTERM or Ctrl-C.
pub async fn run(settings: &Settings, bootstrap: &Bootstrap) -> Result<(), Failure> {
    let listener = bind(settings.listen).await?;
    let app = open(settings, listener.local_addr()?).await?;
    if let Some(address) = settings.metrics_listen {
        let metrics = bind(address).await?;
        println!("Metrics are on http://{}/metrics", metrics.local_addr()?);
        tokio::spawn(server::serve_metrics(app.clone(), metrics));
    }
    if let (Some(email), Some(file)) = (&bootstrap.bootstrap_admin_email, &bootstrap.bootstrap_admin_password_file) {
        let password =
            std::fs::read_to_string(file).map_err(|error| format!("cannot read {}: {error}", file.display()))?;
        let password = password.lines().next().unwrap_or_default().to_owned().into();
        make_admin(&app, NewAdmin { email: email.clone(), account: String::new(), password }).await?.say();
    }
    serve(app, listener).await
}

/// # Errors
/// If the address is taken or not this machine's.
pub async fn bind(address: SocketAddr) -> Result<TcpListener, Failure> {
    let listener = TcpListener::bind(address).await;
    listener.map_err(|error| format!("cannot listen on {address}: {error}. Choose another with --listen.").into())
}

/// Opens everything that the settings name.
pub async fn open(settings: &Settings, bound: SocketAddr) -> Result<App, Failure> {
    let public_url = settings.public_url(bound)?;
    let definition = settings.definition()?;
    settings.make_data_dir()?;
    let (db, keyring) = open_with_keyring(settings).await?;
    let route = match settings.smtp()? {
        Some(smtp) => Route::Smtp(smtp),
        None => Route::Printed(Arc::new(print_letter)),
    };
    let google = settings.provider()?.map(|provider| Google::new(provider, &public_url)).transpose()?;
    let parts = Parts {
        db,
        product: definition.product.clone(),
        keyring,
        clock: Clock::System,
        entropy: Entropy::System,
        public_url,
        proxies: settings.trusted_proxies.clone(),
        mail: (route, settings.mail_from.clone()),
        google,
        security_contact: settings.security_contact.clone(),
        scanning_keys: settings.secret_scanning_keys.clone().map(ScanningKeys::open).transpose()?,
        cache_keys: settings.cache_keys,
    };
    let app = App::new(parts).await?;
    let own = app.product.secret_prefixes();
    let others = app.gate.prefixes.all().into_iter().filter(|prefix| !own.contains(prefix));
    let beside = definition.beside(&others.map(|prefix| (prefix, "in the database".into())).collect::<Vec<_>>());
    warn(&[&definition.warnings, &beside]);
    Ok(app)
}

/// Opens the database under the secret file that it was made with; a new one is made for a new database only.
async fn open_with_keyring(settings: &Settings) -> Result<(Db, Keyring), Failure> {
    let db = Db::open(&settings.database_url()).await?;
    let is_known = installation::has_secret(&db).await?;
    let keyring = if is_known { settings.existing_keyring()? } else { settings.keyring(&Entropy::System)? };
    db.installation_id(&Entropy::System, Clock::System.now()).await?;
    match installation::recognise(&db, &keyring).await {
        Ok(()) => Ok((db, keyring)),
        Err(Stranger::OtherFile) => Err(SettingError::SecretFileStrange(settings.secret_path()).into()),
        Err(Stranger::Database(error)) => Err(error.into()),
    }
}

/// Says what is odd about the definition, once, where it does not mix with what a program reads.
fn warn(reports: &[&Report]) {
    for report in reports.iter().filter(|report| report.count() > 0) {
        anstream::eprintln!("{}\n", report.styled());
    }
}

/// Stands in for a mail server on a laptop: whoever reads the terminal is whom the mail is for.
fn print_letter(recipient: &str, letter: &Letter, laid: &Laid) {
    // A terminal that was closed must not take the desk with it.
    let _ = writeln!(std::io::stdout(), "--- Mail to {recipient}: {}\n{}\n---", letter.subject, laid.text.trim_end());
}

/// Serves `app` on `listener` until told to stop; requests in flight are finished and counted usage is written.
pub async fn serve(app: App, listener: TcpListener) -> Result<(), Failure> {
    println!("{} is listening on {}", app.product.brand.name, app.public_url);
    let background = tokio::spawn(jobs::run(app.background()));
    server::serve(app.clone(), listener, told_to_stop()).await?;
    background.abort();
    if let Ok(written) = tokio::time::timeout(LAST_FLUSH, jobs::flush(&app.background())).await {
        written?;
    } else {
        tracing::warn!("Some counted usage was not written: there was more of it than a stop waits for");
    }
    app.db.close().await;
    Ok(())
}

/// Ends with SIGTERM or Ctrl-C. Listens from the call on, not from the first poll: who tells us to stop right after the
/// start must be heard.
pub fn told_to_stop() -> impl Future<Output = ()> {
    let signals = signal(SignalKind::terminate()).and_then(|term| Ok((term, signal(SignalKind::interrupt())?)));
    async move {
        let Ok((mut terminate, mut interrupt)) = signals else { return std::future::pending().await };
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    }
}
