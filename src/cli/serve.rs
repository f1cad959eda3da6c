//! `keydesk serve`: opens the database, listens, and serves until told to stop.

use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::{Args, Parser};
use tokio::net::{TcpListener, TcpSocket};
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::timeout;

use super::admin::{NewAdmin, make_admin};
use super::{Failure, descriptors, secret_file, systemd};
use crate::clock::Clock;
use crate::config::Settings;
use crate::entropy::Entropy;
use crate::jobs;
use crate::jobs::mail::{Laid, Route};
use crate::model::keyring::Keyring;
use crate::model::letter::Letter;
use crate::product::Report;
use crate::store::Db;
use crate::store::installation;
use crate::web::google::Google;
use crate::web::scanning_keys::ScanningKeys;
use crate::web::server::Door;
use crate::web::server::certificate::Certificate;
use crate::web::server::limits::Limits;
use crate::web::{App, Parts, server};

/// How long a stop may write what was counted.
const LAST_FLUSH: Duration = Duration::from_secs(2);
/// How long it may take to let go of the database: a request that was cut off may still hold a connection.
const LAST_CLOSE: Duration = Duration::from_millis(500);
/// Connections that the kernel holds until they are taken; a crowd may come at once.
const BACKLOG: u32 = 4096;
/// Bytes of an answer that the kernel takes before the client has read any: a page fits.
const SEND_BUFFER: u32 = 64 * 1024;
/// How often the files of the certificate are looked at.
const RENEWAL: Duration = Duration::from_secs(60);

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
    let door = door(settings).await?;
    let app = open(settings, door.listener.local_addr()?).await?;
    if let Some(address) = settings.metrics_listen {
        let metrics = listen(address)?;
        println!("Metrics are on http://{}/metrics", metrics.local_addr()?);
        tokio::spawn(server::serve_metrics(app.clone(), metrics));
    }
    if let (Some(email), Some(file)) = (&bootstrap.bootstrap_admin_email, &bootstrap.bootstrap_admin_password_file) {
        let password =
            std::fs::read_to_string(file).map_err(|error| format!("cannot read {}: {error}", file.display()))?;
        let password = password.lines().next().unwrap_or_default().to_owned().into();
        make_admin(&app, NewAdmin { email: email.clone(), account: String::new(), password }).await?.say();
    }
    serve(app, door).await
}

/// The socket that systemd holds for us, or else one of our own; and the certificate, if TLS is spoken there.
pub async fn door(settings: &Settings) -> Result<Door, Failure> {
    let certificate = match settings.door.certificate_files()? {
        Some((certificate, key)) => Some(Arc::new(Certificate::open(certificate, key)?)),
        None => None,
    };
    let given = systemd::socket()?;
    let is_inherited = given.is_some();
    let listener = match given {
        Some(listener) => TcpListener::from_std(listener)?,
        None => listen(settings.listen)?,
    };
    Ok(Door { listener, is_inherited, certificate })
}

fn listen(address: SocketAddr) -> Result<TcpListener, Failure> {
    let bound = || {
        let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
        // Whoever starts us again at once finds the port free.
        socket.set_reuseaddr(true)?;
        // What a client does not read, the kernel keeps: without a limit, a thousand that read nothing take gigabytes.
        socket.set_send_buffer_size(SEND_BUFFER)?;
        socket.bind(address)?;
        socket.listen(BACKLOG)
    };
    let listener: io::Result<TcpListener> = bound();
    listener.map_err(|error| format!("cannot listen on {address}: {error}. Choose another with --listen.").into())
}

fn limits(settings: &Settings) -> Limits {
    let door = &settings.door;
    Limits {
        connections: descriptors::room_for(door.max_connections),
        connections_per_address: door.max_connections_per_address,
        drain_delay: door.drain_delay(),
        ..Limits::default()
    }
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
    let google = settings.google.provider()?.map(|provider| Google::new(provider, &public_url)).transpose()?;
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
        limits: limits(settings),
        redis: settings.redis()?,
    };
    if parts.redis.is_none() && parts.db.is_shared() && parts.product.rate_limit.per_minute > 0 {
        tracing::info!("KEYDESK_REDIS_URL is not set: each node counts rate limits alone");
    }
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
    let file = if is_known { settings.existing_secret_file()? } else { settings.secret_file(&Entropy::System)? };
    db.installation_id(&Entropy::System, Clock::System.now()).await?;
    let recognised = installation::recognise(&db, &file).await.map_err(|why| secret_file::refused(why, settings))?;
    secret_file::warn(recognised.standing);
    Ok((db, recognised.keyring))
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
    let _ = writeln!(io::stdout(), "--- Mail to {recipient}: {}\n{}\n---", letter.subject, laid.text.trim_end());
}

/// Serves `app` at `door` until told to stop; requests in flight are finished and counted usage is written.
pub async fn serve(app: App, door: Door) -> Result<(), Failure> {
    let stop = told_to_stop();
    let renewing = tokio::spawn(renew(door.certificate.clone()));
    let feeding = tokio::spawn(systemd::feed_watchdog());
    println!("{} is listening on {}", app.product.brand.name, app.public_url);
    let background = tokio::spawn(jobs::run(app.background()));
    systemd::is_ready();
    let stopping = async {
        stop.await;
        systemd::is_stopping();
    };
    server::serve(app.clone(), door, stopping).await;
    background.abort();
    renewing.abort();
    if let Ok(written) = timeout(LAST_FLUSH, jobs::flush(&app.background())).await {
        written?;
    } else {
        tracing::warn!("Some counted usage was not written: there was more of it than a stop waits for");
    }
    let _ = timeout(LAST_CLOSE, app.db.close()).await;
    feeding.abort();
    Ok(())
}

/// Takes up a renewed certificate: on SIGHUP at once, otherwise within a minute. Without a certificate there is nothing to
/// take up, and SIGHUP does nothing.
async fn renew(certificate: Option<Arc<Certificate>>) {
    let Ok(mut hangup) = signal(SignalKind::hangup()) else { return };
    loop {
        let asked = timeout(RENEWAL, hangup.recv()).await.is_ok();
        if asked {
            systemd::is_reloading();
        }
        if let Some(certificate) = certificate.as_ref().filter(|certificate| asked || certificate.is_rewritten()) {
            match certificate.renew() {
                Ok(()) => tracing::info!("The certificate was read again"),
                Err(error) => tracing::error!(%error, "The certificate was not renewed; the one before stays in use"),
            }
        }
        if asked {
            systemd::is_ready();
        }
    }
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
