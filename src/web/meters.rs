//! Requests beside the gate's, counted by the route that answered: never by a path, which holds ids and would let whoever asks
//! fill the memory.

use std::time::Duration;

use axum::http::StatusCode;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

/// Whatever leads nowhere.
pub const NO_ROUTE: &str = "none";
/// Seconds.
const BOUNDS: [f64; 10] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1.0, 5.0];

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Route {
    route: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answer {
    route: String,
    status: u16,
}

#[derive(Clone, Debug)]
pub struct Meters {
    answers: Family<Answer, Counter>,
    took: Family<Route, Histogram, fn() -> Histogram>,
    connections: Gauge,
    turned_away: Counter,
}

/// A connection, as long as it is held.
pub struct Connected(Gauge);

impl Drop for Connected {
    fn drop(&mut self) {
        self.0.dec();
    }
}

impl Default for Meters {
    fn default() -> Self {
        Self {
            answers: Family::default(),
            took: Family::new_with_constructor(|| Histogram::new(BOUNDS)),
            connections: Gauge::default(),
            turned_away: Counter::default(),
        }
    }
}

impl Meters {
    /// Counts an answer.
    pub fn answered(&self, route: &str, status: StatusCode, took: Duration) {
        let answer = Answer { route: route.to_owned(), status: status.as_u16() };
        self.answers.get_or_create(&answer).inc();
        self.took.get_or_create(&Route { route: answer.route }).observe(took.as_secs_f64());
    }

    /// Counts a connection until what is given is dropped.
    pub fn connected(&self) -> Connected {
        self.connections.inc();
        Connected(self.connections.clone())
    }

    /// Counts a connection that found no seat.
    pub fn turned_away(&self) {
        self.turned_away.inc();
    }

    /// Has them printed with everything else.
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register("requests", "Requests answered, the gate’s aside", self.answers.clone());
        registry.register("connections", "Connections that are open", self.connections.clone());
        let help = "Connections that found no seat";
        registry.register("connections_turned_away", help, self.turned_away.clone());
        let help = "How long an answer took, the gate’s aside";
        registry.register_with_unit("request_duration", help, Unit::Seconds, self.took.clone());
    }
}
