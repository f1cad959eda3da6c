//! What is said of a definition: its mistakes and warnings, each with file, line and column, the source beneath, what was
//! found and what is allowed. Printed by `annotate-snippets`, which rustc's own messages are made with.

use std::fmt;
use std::ops::Range;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

/// A file of garbage is not answered with more than this many mistakes at once.
const MOST: usize = 200;
/// What a terminal that cannot be asked is taken to be wide.
const WIDTH: usize = 120;

/// One thing to say of a source.
#[derive(Clone, Debug)]
pub struct Finding {
    pub says: String,
    /// What would be right, in whole sentences; may be empty.
    pub allowed: String,
    pub span: Range<usize>,
    /// What it contradicts, and what that is.
    pub beside: Option<(Range<usize>, &'static str)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weight {
    /// Such a definition never starts.
    Mistake,
    Warning,
}

/// Everything to say of one source, in its order.
#[derive(Clone, Debug)]
pub struct Report {
    file: String,
    source: String,
    weight: Weight,
    findings: Vec<Finding>,
}

impl Report {
    pub fn new(file: &str, source: &str, weight: Weight, mut findings: Vec<Finding>) -> Self {
        findings.sort_by_key(|finding| finding.span.start);
        Self { file: file.into(), source: source.into(), weight, findings }
    }

    pub fn count(&self) -> usize {
        self.findings.len()
    }

    /// The whole report with the colours of a terminal, for `anstream` to print.
    pub fn styled(&self) -> String {
        self.render(&Renderer::styled().term_width(WIDTH))
    }

    fn render(&self, renderer: &Renderer) -> String {
        let shown = self.findings.iter().take(MOST).map(|finding| renderer.render(&[self.group(finding)]));
        let mut blocks: Vec<String> = shown.collect();
        if let Some(left @ 1..) = self.findings.len().checked_sub(MOST) {
            blocks.push(format!("… and {left} more."));
        }
        blocks.join("\n\n")
    }

    fn group<'a>(&'a self, finding: &'a Finding) -> Group<'a> {
        let level = match self.weight {
            Weight::Mistake => Level::ERROR,
            Weight::Warning => Level::WARNING,
        };
        let here = self.snippet(&finding.span, AnnotationKind::Primary, "");
        let mut group = level.primary_title(&finding.says).element(here);
        if let Some((span, label)) = &finding.beside {
            group = group.element(self.snippet(span, AnnotationKind::Context, label));
        }
        if finding.allowed.is_empty() { group } else { group.element(Level::HELP.message(&finding.allowed)) }
    }

    /// The line that `span` begins on. Only that much of the source goes into a message: a report of many stays cheap.
    fn snippet<'a>(
        &'a self,
        span: &Range<usize>,
        kind: AnnotationKind,
        label: &'a str,
    ) -> Snippet<'a, annotate_snippets::Annotation<'a>> {
        let (start, line) = line_of(&self.source, span.start);
        let text = self.source[start..].split('\n').next().unwrap_or_default();
        let within = |at: usize| at.saturating_sub(start).min(text.len());
        let annotation = kind.span(within(span.start)..within(span.end.max(span.start)));
        let annotation = if label.is_empty() { annotation } else { annotation.label(label) };
        Snippet::source(text).line_start(line).path(&self.file).annotation(annotation)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(&Renderer::plain().term_width(WIDTH)))
    }
}

/// Where the line of a byte begins, and its number.
fn line_of(source: &str, at: usize) -> (usize, usize) {
    let before = &source.as_bytes()[..at.min(source.len())];
    let start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |newline| newline + 1);
    (start, before.split(|byte| *byte == b'\n').count())
}

/// Why a definition was refused.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Refused {
    #[error("Cannot read the product definition {0}: {1}")]
    Unreadable(String, String),
    #[error("The product definition has {}:\n\n{report}", mistakes(.report.count()))]
    Mistaken { report: Box<Report> },
}

impl Refused {
    /// As `Display`, with the colours of a terminal.
    pub fn styled(&self) -> String {
        match self {
            Self::Unreadable(..) => self.to_string(),
            Self::Mistaken { report } => {
                format!("The product definition has {}:\n\n{}", mistakes(report.count()), report.styled())
            }
        }
    }
}

fn mistakes(count: usize) -> String {
    if count == 1 { "a mistake".into() } else { format!("{count} mistakes") }
}

pub fn first_upper(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().into_iter().flat_map(char::to_uppercase).chain(chars).collect()
}
