//! Code behind tabs, coloured. Of a product's samples, the language that this browser chose last lies open.

use super::App;
use super::highlight::{Span, spans};
use super::request::RequestInfo;

/// One tab and what lies behind it.
pub struct Sample {
    pub id: String,
    pub label: String,
    pub spans: Vec<Span>,
    pub checked: bool,
}

impl Sample {
    pub fn of(id: &str, label: &str, code: &str) -> Self {
        Self { id: id.into(), label: label.into(), spans: spans(code), checked: false }
    }
}

/// The first request in every language of the definition.
pub fn of_product(app: &App, info: &RequestInfo) -> Vec<Sample> {
    let defined = app.product.samples.iter();
    let code = |sample| app.product.sample_code(sample, &app.public_url);
    open(defined.map(|sample| Sample::of(&sample.id, &sample.label, &code(sample))).collect(), &info.code_language)
}

/// Opens the tab `chosen`, or the first if there is none of that id.
pub fn open(mut samples: Vec<Sample>, chosen: &str) -> Vec<Sample> {
    let at = samples.iter().position(|sample| sample.id == chosen).unwrap_or(0);
    if let Some(sample) = samples.get_mut(at) {
        sample.checked = true;
    }
    samples
}
