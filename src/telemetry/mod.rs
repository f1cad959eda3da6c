//! Logs: to standard error, as text for people or JSON for machines. `RUST_LOG` sets how much; the checkpoints of the
//! audit chains are said whatever it sets. Built with the feature `otlp`, spans go to a collector too.

#[cfg(feature = "otlp")]
mod otlp;

use std::io::{self, IsTerminal};

use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, fmt};

/// What is still to be sent when the process ends: dropped, it is.
#[must_use]
#[derive(Default)]
pub struct Telemetry {
    #[cfg(feature = "otlp")]
    _spans: Option<otlp::Spans>,
}

/// Starts logging. The first call wins; later ones change nothing.
pub fn start(format: &str) -> Telemetry {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info,sqlx=warn"));
    // A quiet log must not open the way to cut a chain unseen.
    let filter = match "keydesk::audit=info".parse() {
        Ok(checkpoints) => filter.add_directive(checkpoints),
        Err(_) => filter,
    };
    // A file is no terminal.
    let lines = fmt::layer().with_ansi(io::stderr().is_terminal()).with_writer(io::stderr);
    let lines = if format == "json" {
        lines.json().flatten_event(true).with_current_span(true).with_span_list(false).boxed()
    } else {
        lines.with_target(false).boxed()
    };
    let subscriber = tracing_subscriber::registry().with(filter).with(lines);
    #[cfg(feature = "otlp")]
    if let Some(spans) = otlp::Spans::to_collector() {
        let _ = subscriber.with(spans.layer()).try_init();
        return Telemetry { _spans: Some(spans) };
    }
    let _ = subscriber.try_init();
    Telemetry::default()
}
