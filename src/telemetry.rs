//! Logs: to standard error, as text for people or JSON for machines. `RUST_LOG` sets how much; the checkpoints of the
//! audit chains are said whatever it sets.

use std::io;

use tracing_subscriber::EnvFilter;

/// Starts logging. The first call wins; later ones change nothing.
pub fn start(format: &str) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info,sqlx=warn"));
    // A quiet log must not open the way to cut a chain unseen.
    let filter = match "keydesk::audit=info".parse() {
        Ok(checkpoints) => filter.add_directive(checkpoints),
        Err(_) => filter,
    };
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr);
    let _ = if format == "json" {
        builder.json().flatten_event(true).with_current_span(true).with_span_list(false).try_init()
    } else {
        builder.with_target(false).try_init()
    };
}
