//! Small things that every template draws: icons, key statuses, sparklines, charts, people.

use std::fmt::{self, Write};

use askama::filters::HtmlSafe;

use super::assets;
use crate::clock::Timestamp;
use crate::model::api_key::{ApiKey, Attention, Status};
use crate::model::text;
use crate::model::usage::{Bucket, Series};

/// An icon of the sprite. Its name is ours, so its markup is safe.
#[derive(Clone, Copy)]
pub struct Icon {
    name: &'static str,
    class: &'static str,
}

pub fn icon(name: &'static str) -> Icon {
    Icon { name, class: "icon" }
}

pub fn mark() -> Icon {
    Icon { name: "mark", class: "mark" }
}

impl fmt::Display for Icon {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            r#"<svg class="{}" aria-hidden="true"><use href="{}/icons.svg#{}"/></svg>"#,
            self.class,
            assets::base(),
            self.name
        )
    }
}

impl HtmlSafe for Icon {}

/// A moment with its exact machine form.
pub struct Moment {
    pub datetime: String,
    pub text: String,
}

impl Moment {
    pub fn new(at: Timestamp, text: String) -> Self {
        Self { datetime: at.to_string(), text }
    }

    /// A day; its machine form is a day too.
    pub fn date(at: Timestamp) -> Self {
        Self { datetime: at.date_time().date().to_string(), text: text::date(at) }
    }

    pub fn exact(at: Timestamp) -> Self {
        Self::new(at, text::exact(at))
    }

    pub fn ago(at: Timestamp, now: Timestamp) -> Self {
        Self::new(at, text::ago(at, now))
    }

    pub fn ago_in_words(at: Timestamp, now: Timestamp) -> Self {
        Self::new(at, text::ago_in_words(at, now))
    }
}

/// What the status column says: the status, or the first reason to look at the key.
pub struct Standing {
    pub class: &'static str,
    pub label: String,
}

impl Standing {
    pub fn of(key: &ApiKey, now: Timestamp) -> Self {
        let (class, label) = match (key.attention(now), key.status(now)) {
            (_, Status::Retiring) => ("is-retiring", Status::Retiring.label().into()),
            (Some(Attention::ExpiresSoon), _) => ("is-warning", "Expires soon".into()),
            (Some(Attention::NotRevealed), _) => ("is-sealed", "Not revealed".into()),
            (Some(Attention::Unused(days)), _) => ("is-warning", format!("Unused {days} days")),
            (None, Status::Active) => ("is-active", Status::Active.label().into()),
            (None, Status::Paused) => ("is-paused", Status::Paused.label().into()),
            (None, status) => ("is-off", status.label().into()),
        };
        Self { class, label }
    }

    /// Of a key that has no secret any more, whatever else is true of it.
    pub fn waits() -> Self {
        Self { class: "is-warning", label: "To be rotated".into() }
    }
}

/// Initials in a disc, coloured by who it is.
pub struct Avatar {
    pub initials: String,
    pub tint: &'static str,
}

impl Avatar {
    pub fn of(id: &str, name: &str) -> Self {
        let sum: usize = id.bytes().map(usize::from).sum();
        Self { initials: text::initials(name), tint: ["is-accent", "is-green", "is-amber"][sum % 3] }
    }

    /// The product itself, the command line, a key: nobody's face.
    pub fn machine(label: &str) -> Self {
        Self { initials: label.to_owned(), tint: "" }
    }
}

/// Thirty bars in one path, three units wide each and at most twenty high; a day without requests is one unit.
pub fn sparkline(series: &Series) -> String {
    let most = series.buckets.iter().map(|bucket| bucket.ok + bucket.refused).max().unwrap_or(0);
    let mut path = String::from("M0 24");
    let (mut level, mut run) = (0, 0);
    for bucket in &series.buckets {
        let height = scaled(bucket.ok + bucket.refused, most, 20);
        if height != level {
            along(&mut path, run);
            let _ = write!(path, "v{}", i64::from(level) - i64::from(height));
            (level, run) = (height, 0);
        }
        run += 3;
    }
    along(&mut path, run);
    let _ = write!(path, "v{level}z");
    path
}

fn along(path: &mut String, run: u32) {
    if run > 0 {
        let _ = write!(path, "h{run}");
    }
}

/// `count` of `most` on a scale to `full`; something is never drawn as nothing.
fn scaled(count: u64, most: u64, full: u32) -> u32 {
    if count == 0 {
        return 0;
    }
    u32::try_from((count * u64::from(full)).div_ceil(most.max(1))).unwrap_or(full).max(1)
}

/// Usage as bars, for the key's page.
pub struct Chart {
    pub bars: Vec<Bar>,
    /// Top, middle and zero of the axis.
    pub axis: [String; 3],
    pub labels: Vec<String>,
    pub summary: String,
    /// Whether a bar is an hour or a day.
    pub is_hourly: bool,
}

/// What a series comes to, above its chart.
pub struct Numbers {
    pub requests: String,
    pub refused: String,
    pub refused_share: String,
    /// The peak, and when it was.
    pub peak: Option<(String, String)>,
    pub peak_label: &'static str,
}

impl Numbers {
    pub fn of(series: &Series) -> Self {
        let (total, refused) = (series.total(), series.refused());
        let daily = series.hours_per_bucket == 24;
        let at = |at: Timestamp| if daily { short_date(at) } else { format!("{} UTC", text::time_of_day(at)) };
        Self {
            requests: text::thousands(total),
            refused: text::thousands(refused),
            refused_share: if refused == 0 { String::new() } else { percent(refused, total) },
            peak: series.peak().map(|(start, most)| (text::thousands(most), at(start))),
            peak_label: if daily { "Peak day" } else { "Peak hour" },
        }
    }
}

/// One bar, in a field of 10 × buckets by 100.
pub struct Bar {
    pub x: String,
    pub y: String,
    pub height: String,
    pub refused: bool,
    pub at: Moment,
    pub requests: String,
    pub refusals: String,
}

impl Chart {
    pub fn of(series: &Series) -> Self {
        let daily = series.hours_per_bucket == 24;
        let top = round_up(series.buckets.iter().map(|bucket| bucket.ok + bucket.refused).max().unwrap_or(0));
        let bars = series
            .buckets
            .iter()
            .enumerate()
            .map(|(index, bucket)| Bar::of(*bucket, index, top, series.start_of(index), daily));
        let last = series.buckets.len().saturating_sub(1);
        let label = |index: usize| {
            let at = series.start_of(index);
            if daily { short_date(at) } else { text::time_of_day(at) }
        };
        let labels = [0, last / 4, last / 2, last * 3 / 4, last].into_iter().map(label).collect();
        let axis = [compact(top), compact(top / 2), "0".into()];
        Self { bars: bars.collect(), axis, labels, summary: summary(series, daily), is_hourly: !daily }
    }

    /// Units across: ten a bar.
    pub fn width(&self) -> usize {
        self.bars.len() * 10
    }
}

impl Bar {
    fn of(bucket: Bucket, index: usize, top: u64, start: Timestamp, daily: bool) -> Self {
        let requests = bucket.ok + bucket.refused;
        let height = scaled(requests, top, 1000);
        let tenths = |tenths: u32| {
            if tenths.is_multiple_of(10) {
                (tenths / 10).to_string()
            } else {
                format!("{}.{}", tenths / 10, tenths % 10)
            }
        };
        let at = if daily { Moment::date(start) } else { Moment::new(start, text::date_time(start)) };
        Self {
            x: format!("{}.5", index * 10 + 1),
            y: tenths(1000 - height.min(1000)),
            height: tenths(height.min(1000)),
            refused: bucket.refused > 0,
            at,
            requests: text::thousands(requests),
            refusals: text::thousands(bucket.refused),
        }
    }
}

fn summary(series: &Series, daily: bool) -> String {
    let unit = if daily { "day" } else { "hour" };
    match series.peak() {
        None => format!("No requests in any {unit}."),
        Some((at, most)) => {
            let at = if daily { text::date(at) } else { text::date_time(at) };
            let refused = series.buckets.iter().filter(|bucket| bucket.refused > 0).count() as u64;
            let refused = match refused {
                0 => String::from("No refusals."),
                count => format!("{} with refusals.", text::count(count, unit, &format!("{unit}s"))),
            };
            format!(
                "Requests each {unit}: {} in all, at most {}, on {at}. {refused}",
                text::thousands(series.total()),
                text::thousands(most)
            )
        }
    }
}

/// `0.17%`, to two places where they say something: `100%`.
pub fn percent(part: u64, whole: u64) -> String {
    let whole = whole.max(1);
    let hundredths = (part * 10_000 + whole / 2) / whole;
    match hundredths % 100 {
        0 => format!("{}%", hundredths / 100),
        rest => format!("{}.{rest:02}%", hundredths / 100),
    }
}

/// `part` of `whole` on a scale to 100, to one place.
pub fn tenths(part: u64, whole: u64) -> String {
    let tenths = part.saturating_mul(1000) / whole.max(1);
    format!("{}.{}", tenths / 10, tenths % 10)
}

/// `23 Oct`.
pub fn short_date(at: Timestamp) -> String {
    let full = text::date(at);
    full.rsplit_once(' ').map_or(full.clone(), |(day_and_month, _)| day_and_month.to_owned())
}

/// The next 1, 2 or 5 with zeros behind.
fn round_up(most: u64) -> u64 {
    let mut step = 1;
    loop {
        for factor in [1, 2, 5] {
            if step * factor * 2 >= most.max(2) {
                return step * factor * 2;
            }
        }
        step *= 10;
    }
}

/// `10k`, `2.5M`.
fn compact(number: u64) -> String {
    let (divisor, unit) = match number {
        0..1000 => return number.to_string(),
        1000..1_000_000 => (1000, "k"),
        _ => (1_000_000, "M"),
    };
    match number % divisor * 10 / divisor {
        0 => format!("{}{unit}", number / divisor),
        tenth => format!("{}.{tenth}{unit}", number / divisor),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(counts: &[u64]) -> Series {
        let buckets = counts.iter().map(|ok| Bucket { ok: *ok, refused: 0 }).collect();
        Series { first_hour: 495_600, hours_per_bucket: 24, buckets }
    }

    #[test]
    fn a_sparkline_starts_and_ends_on_its_ground() {
        assert_eq!(sparkline(&series(&[0, 10, 20])), "M0 24h3v-10h3v-10h3v20z");
        assert_eq!(sparkline(&series(&[0, 0])), "M0 24h6v0z");
    }

    #[test]
    fn a_chart_scales_to_a_round_number() {
        let chart = Chart::of(&series(&[8204, 0, 12]));
        assert_eq!(chart.axis, ["10k", "5k", "0"]);
        assert_eq!((chart.bars[0].y.as_str(), chart.bars[0].height.as_str()), ("17.9", "82.1"));
        assert_eq!((chart.bars[0].x.as_str(), chart.bars[1].x.as_str()), ("1.5", "11.5"));
        assert_eq!(chart.bars[1].height, "0");
        assert!(chart.summary.contains("at most 8,204"));
    }

    #[test]
    fn an_axis_is_never_flat() {
        assert_eq!(round_up(0), 2);
        assert_eq!(round_up(2), 2);
        assert_eq!(round_up(3), 4);
        assert_eq!(round_up(11), 20);
        assert_eq!(compact(2_500_000), "2.5M");
    }
}
