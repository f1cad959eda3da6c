//! Spans to a collector, by OTLP over HTTP. The variables of the OpenTelemetry specification say where and as whom; without
//! `OTEL_EXPORTER_OTLP_ENDPOINT` nothing is sent. A span holds what a log line holds: no query, no header, no body.

use opentelemetry::trace::TracerProvider;
use opentelemetry_otlp::{OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT, SpanExporter};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider};
use tracing::Subscriber;
use tracing_opentelemetry::OpenTelemetryLayer;
use tracing_subscriber::registry::LookupSpan;

const NAME: &str = "keydesk";

/// The way to the collector; dropped, it sends what waits.
pub struct Spans(SdkTracerProvider);

impl Spans {
    /// None if no collector is named, or it cannot be one: then a line on standard error says why.
    pub fn to_collector() -> Option<Self> {
        let names = [OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT];
        names.iter().find(|name| std::env::var_os(name).is_some())?;
        let exporter = SpanExporter::builder().with_http().build();
        let exporter = exporter.inspect_err(|error| eprintln!("No spans are sent: {error}")).ok()?;
        // OTEL_SERVICE_NAME goes before it.
        let resource = Resource::builder().with_attribute(opentelemetry::KeyValue::new("service.name", name())).build();
        Some(Self(SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource).build()))
    }

    pub fn layer<S: Subscriber + for<'span> LookupSpan<'span>>(&self) -> OpenTelemetryLayer<S, SdkTracer> {
        tracing_opentelemetry::layer().with_tracer(self.0.tracer(NAME))
    }
}

fn name() -> String {
    std::env::var("OTEL_SERVICE_NAME").unwrap_or_else(|_| NAME.into())
}

impl Drop for Spans {
    fn drop(&mut self) {
        if let Err(error) = self.0.shutdown() {
            eprintln!("Some spans were not sent: {error}");
        }
    }
}
