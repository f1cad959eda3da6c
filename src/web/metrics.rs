//! `/metrics`, on a listener of its own: what Keydesk did and how it stands, in the text of `OpenMetrics`. It names no account, no
//! key and no person.

use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::get;
use axum::{Router, http::StatusCode};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric, NoLabelSet, text};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::{Registry, Unit};

use super::App;
use crate::gate::meters::BOUNDS;
use crate::store::errands::{self, Waiting};

const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The listener's whole site.
pub fn router(app: App) -> Router {
    Router::new().route("/metrics", get(show)).with_state(app)
}

/// `GET /metrics`
async fn show(State(app): State<App>) -> Result<impl IntoResponse, StatusCode> {
    // What the database is asked for comes first; the rest is read while it is written. A database that is away costs two
    // figures, not all of them: that is when somebody looks.
    let mail = errands::waiting(&app.db, app.now()).await.ok();
    let mut registry = Registry::with_prefix("keydesk");
    app.meters.register(&mut registry);
    registry.register_collector(Box::new(Standing { app, mail }));
    let mut page = String::new();
    text::encode(&mut page, &registry).map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
    Ok(([(CONTENT_TYPE, OPEN_METRICS)], page))
}

/// How things stand while the page is written.
struct Standing {
    app: App,
    mail: Option<Waiting>,
}

impl std::fmt::Debug for Standing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Standing")
    }
}

type Written = Result<(), std::fmt::Error>;

impl Collector for Standing {
    fn encode(&self, mut page: DescriptorEncoder) -> Written {
        self.verdicts(&mut page)?;
        self.memory(&mut page)?;
        self.database(&mut page)?;
        self.work(&mut page)?;
        process(&mut page)
    }
}

impl Standing {
    fn verdicts(&self, page: &mut DescriptorEncoder) -> Written {
        let meters = &self.app.gate.meters;
        let verdicts = meters.verdicts().map(|(code, count)| ([("code", code)], count));
        counters(page, ("verdicts", "Verdicts of the gate’s doors, by what they were"), verdicts)?;
        let unavailable = meters.unavailable.get();
        counter(page, ("verdicts_unavailable", "Requests without a verdict: no database"), unavailable)?;
        counter(page, ("gate_reads", "Keys that the gate had to read"), meters.reads.get())?;
        let (within, micros) = meters.took();
        let bounds = BOUNDS.iter().map(|micros| seconds(*micros)).chain([f64::MAX]);
        let buckets: Vec<(f64, u64)> = bounds.zip(within).collect();
        let help = "How long a verdict took";
        let unit = Some(&Unit::Seconds);
        let mut histogram = page.encode_descriptor("verdict_duration", help, unit, MetricType::Histogram)?;
        histogram.encode_histogram::<NoLabelSet>(seconds(micros), within.iter().sum(), &buckets, None)
    }

    fn memory(&self, page: &mut DescriptorEncoder) -> Written {
        let gate = &self.app.gate;
        let remembered = gate.remembered();
        let kinds = [("keys", remembered.keys), ("unknown", remembered.unknown), ("inboxes", remembered.inboxes)];
        let kinds = kinds.map(|(kind, count)| ([("kind", kind)], wide(count)));
        gauges(page, ("gate_remembered", "What the gate remembers"), kinds)?;
        let help = "Whether the gate believes its memory: 0 while other nodes cannot be heard";
        gauge(page, ("gate_watched", help), i64::from(gate.is_watched()))?;
        let help = "Whether rate limits are counted together with the other nodes";
        gauge(page, ("rate_limits_shared", help), i64::from(gate.shared_windows.are_shared()))
    }

    fn database(&self, page: &mut DescriptorEncoder) -> Written {
        let pools = self.app.db.pools();
        let states = pools.into_iter().flat_map(|(pool, size, idle)| {
            let idle = wide(idle).min(i64::from(size));
            [([("pool", pool), ("state", "idle")], idle), ([("pool", pool), ("state", "used")], i64::from(size) - idle)]
        });
        gauges(page, ("database_connections", "Connections to the database"), states)
    }

    fn work(&self, page: &mut DescriptorEncoder) -> Written {
        let (running, waiting) = self.app.passwords.at_work();
        let hashes = [([("state", "running")], wide(running)), ([("state", "waiting")], wide(waiting))];
        gauges(page, ("password_hashes", "Password hashes that are made or wait for it"), hashes)?;
        let Some(mail) = self.mail else { return Ok(()) };
        let letters = [([("state", "due")], mail.due), ([("state", "given_up")], mail.given_up)];
        gauges(page, ("mail", "Mail that was not sent yet"), letters)?;
        let oldest = if mail.oldest == 0 { 0 } else { (self.app.now().micros() - mail.oldest) / 1_000_000 };
        let mut age =
            page.encode_descriptor("mail_age", "How late the oldest mail is", Some(&Unit::Seconds), MetricType::Gauge)?;
        age.encode_gauge(&oldest.max(0))
    }
}

/// What every process tells, under the names that dashboards know.
fn process(page: &mut DescriptorEncoder) -> Written {
    let build = [([("version", env!("CARGO_PKG_VERSION"))], 1)];
    gauges(page, ("build", "The version that runs"), build)?;
    let mut memory = page.encode_descriptor(
        "resident_memory",
        "Memory that the process holds",
        Some(&Unit::Bytes),
        MetricType::Gauge,
    )?;
    memory.encode_gauge(&resident_memory())?;
    let open = std::fs::read_dir("/proc/self/fd").map_or(0, Iterator::count);
    gauge(page, ("open_descriptors", "Files and connections that the process has open"), wide(open))
}

/// Bytes, as Linux tells them; 0 elsewhere.
fn resident_memory() -> i64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let kibibytes =
        status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix(" kB")?.parse().ok());
    kibibytes.map_or(0, |kibibytes: i64| kibibytes * 1024)
}

/// A metric's name, and what it says.
type Named<'a> = (&'a str, &'a str);

fn counter(page: &mut DescriptorEncoder, (name, help): Named<'_>, value: u64) -> Written {
    let metric = ConstCounter::new(value);
    metric.encode(page.encode_descriptor(name, help, None, metric.metric_type())?)
}

fn gauge(page: &mut DescriptorEncoder, (name, help): Named<'_>, value: i64) -> Written {
    let metric = ConstGauge::new(value);
    metric.encode(page.encode_descriptor(name, help, None, metric.metric_type())?)
}

fn counters<L: EncodeLabelSet>(
    page: &mut DescriptorEncoder,
    (name, help): Named<'_>,
    values: impl IntoIterator<Item = (L, u64)>,
) -> Written {
    let mut family = page.encode_descriptor(name, help, None, MetricType::Counter)?;
    values.into_iter().try_for_each(|(labels, value)| ConstCounter::new(value).encode(family.encode_family(&labels)?))
}

fn gauges<L: EncodeLabelSet>(
    page: &mut DescriptorEncoder,
    (name, help): Named<'_>,
    values: impl IntoIterator<Item = (L, i64)>,
) -> Written {
    let mut family = page.encode_descriptor(name, help, None, MetricType::Gauge)?;
    values.into_iter().try_for_each(|(labels, value)| ConstGauge::new(value).encode(family.encode_family(&labels)?))
}

#[expect(clippy::cast_precision_loss, reason = "nobody measures centuries")]
fn seconds(micros: u64) -> f64 {
    micros as f64 / 1e6
}

fn wide(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
