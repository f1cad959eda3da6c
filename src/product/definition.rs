//! From the text of a file to a [`Product`]: every field by its name, with what stands for it when it is left out. All
//! mistakes come at once: of syntax, of fields and types, and contradictions between fields that could be read.

use std::ops::Range;
use std::path::Path;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::mistakes::Mistake;
use super::place::Place;
use super::report::{Finding, Refused, Report, Weight, first_upper};
use super::tree::{Fields, Lines, Read, Reader, Value, table_at};
use super::{
    Api, Brand, DEFAULT, Environment, Errors, Expiry, ExpiryPolicy, Group, KeyAct, Keys, Preset, Product, Question,
    RateLimit, Reveal, Rotation, Route, Sample, ScopeDefinition, ScopeKind, SignUpKey, Words,
};

/// A definition that starts, and what to think of before it does.
#[derive(Clone, Debug)]
pub struct Definition {
    pub product: Product,
    pub file: String,
    pub warnings: Report,
    source: String,
}

impl Definition {
    /// Reads `file`, or the definition that is built in.
    ///
    /// # Errors
    /// If the file cannot be read, or has mistakes.
    pub fn load(file: Option<&Path>) -> Result<Self, Refused> {
        let Some(file) = file else { return Self::parse("the built-in definition", DEFAULT) };
        let name = file.display().to_string();
        match std::fs::read_to_string(file) {
            Ok(text) => Self::parse(&name, &text),
            Err(error) => Err(Refused::Unreadable(name, error.to_string())),
        }
    }

    /// # Errors
    /// If the text has mistakes; all of them are in the report.
    pub fn parse(file: &str, text: &str) -> Result<Self, Refused> {
        let (root, torn) = DeTable::parse_recoverable(text);
        let mut reader = Reader::default();
        for error in &torn {
            let span = error.span().unwrap_or(0..0);
            let place = around(&root, span.start);
            reader.holes.push(place.clone());
            reader.torn.push((span.clone(), place));
            reader.note(span, first_upper(error.message()), String::new());
        }
        let product = reader.table(root.get_ref(), 0..0, &Place::root(), product);
        let Reader { mut findings, holes, .. } = reader;
        let sound = |mistake: &Mistake| !mistake.rests_on(&holes);
        findings.extend(product.mistakes().into_iter().filter(sound).map(|mistake| mistake.found_in(&root)));
        if !findings.is_empty() {
            return Err(Refused::Mistaken { report: Box::new(Report::new(file, text, Weight::Mistake, findings)) });
        }
        let warnings: Vec<Finding> = product.warnings().into_iter().map(|warning| warning.found_in(&root)).collect();
        let warnings = Report::new(file, text, Weight::Warning, warnings);
        Ok(Self { product, file: file.into(), warnings, source: text.into() })
    }

    /// What is odd about its prefixes beside others, each with whose it is.
    pub fn beside(&self, others: &[(String, String)]) -> Report {
        let (root, _) = DeTable::parse_recoverable(&self.source);
        let entangled = self.product.entangled_prefixes(others);
        let found = entangled.into_iter().map(|warning| warning.found_in(&root)).collect();
        Report::new(&self.file, &self.source, Weight::Warning, found)
    }
}

/// The last table that begins before `at`: what an error of syntax there tears.
fn around(root: &Spanned<DeTable<'_>>, at: usize) -> Place {
    let mut tables: Vec<(Range<usize>, Place)> = Vec::new();
    for (name, value) in root.get_ref() {
        let place = Place::root().field(name.get_ref());
        match value.get_ref() {
            DeValue::Array(items) if items.iter().any(|item| item.get_ref().is_table()) => {
                tables.extend(items.iter().enumerate().map(|(index, item)| (item.span(), place.item(index))));
            }
            _ => tables.push((value.span(), place)),
        }
    }
    tables.retain(|(span, _)| span.start <= at);
    tables.into_iter().max_by_key(|(span, _)| span.start).map_or(Place::root(), |(_, place)| place)
}

fn product(fields: &mut Fields<'_, '_>) -> Product {
    Product {
        brand: fields.required("brand"),
        api: fields.required("api"),
        words: fields.required("words"),
        keys: fields.required("keys"),
        sign_up_key: fields.optional("sign_up_key"),
        environments: fields.or_default("environments"),
        expiry: fields.required("expiry"),
        rotation: fields.or_default("rotation"),
        rate_limit: fields.or_default("rate_limit"),
        errors: fields.or_default("errors"),
        groups: fields.required("groups"),
        scopes: fields.required("scopes"),
        presets: fields.or_default("presets"),
        routes: fields.or_default("routes"),
        samples: fields.required("samples"),
        questions: fields.or_default("questions"),
    }
}

/// A struct of fields: `field: how` for each, where how is a method of [`Fields`].
macro_rules! table {
    ($type:ident { $($field:ident: $how:ident $(($otherwise:expr))?),* $(,)? }) => {
        impl Read for $type {
            const IS_TABLE: bool = true;

            fn wanted(place: &Place) -> String {
                table_at(place)
            }

            fn read(value: &Value<'_>, place: &Place, reader: &mut Reader) -> Option<Self> {
                reader.fields(value, place, |fields| Self {
                    $($field: fields.$how(stringify!($field) $(, $otherwise)?)),*
                })
            }
        }
    };
}

/// An enum that is one of a few words.
macro_rules! words {
    ($type:ident { $($word:literal => $variant:ident),* $(,)? }) => {
        impl Read for $type {
            fn wanted(_: &Place) -> String {
                format!("one of {}", [$($word),*].join(", "))
            }

            fn read(value: &Value<'_>, place: &Place, reader: &mut Reader) -> Option<Self> {
                match value.get_ref().as_str() {
                    $(Some($word) => Some(Self::$variant),)*
                    Some(_) => {
                        reader.unknown_word(value, place, &[$($word),*]);
                        None
                    }
                    None => {
                        reader.other(value, place, &Self::wanted(place));
                        None
                    }
                }
            }
        }
    };
}

table!(Brand { name: required, env_var: required });
table!(Api { base_url: required, path: or("/v1".to_owned()), session_token: required });
table!(Words { resource: required, resources: required, api_name: required, standard: required, restricted: required });
table!(Keys {
    prefix: required,
    types: required,
    limit: required,
    reveal: or_default,
    choose_scopes: or(true),
    full_access: or(true),
    in_page: required,
    over_api: required,
    confirm_by_name: or(true),
});
table!(SignUpKey { name: required, environment: or_default, preset: required });
table!(Environment { id: required, label: required, description: required, summary: required, rehearsal: or_default });
table!(Expiry { policy: required, choices_days: or_default, default_days: or_default, max_days: or_default });
table!(Rotation { grace: or_default, default_grace: or_default, recommended_days: or_default });
table!(RateLimit { per_minute: required });
table!(Errors { unauthorized: or_default, missing_scope: or_default, not_found: or_default, rate_limited: or_default });
table!(Group { id: required, label: required, description: required });
table!(ScopeDefinition {
    id: required,
    kind: required,
    group: required,
    description: required,
    restricted: or_default,
    implies: or_default,
});
table!(Preset { id: required, label: required, scopes: required });
table!(Route { method: required, path: required, scope: or_default });

words!(KeyAct { "create" => Create, "rename" => Rename, "pause" => Pause, "rotate" => Rotate, "delete" => Delete });
words!(Reveal { "once" => Once, "again" => Again });
words!(ExpiryPolicy { "none" => None, "optional" => Optional, "required" => Required });
words!(ScopeKind { "read" => Read, "write" => Write, "action" => Action });

impl Read for Sample {
    const IS_TABLE: bool = true;

    fn wanted(place: &Place) -> String {
        table_at(place)
    }

    fn read(value: &Value<'_>, place: &Place, reader: &mut Reader) -> Option<Self> {
        reader.fields(value, place, |fields| {
            let (id, label, Lines(code)) = (fields.required("id"), fields.required("label"), fields.required("code"));
            Self { id, label, code }
        })
    }
}

impl Read for Question {
    const IS_TABLE: bool = true;

    fn wanted(place: &Place) -> String {
        table_at(place)
    }

    fn read(value: &Value<'_>, place: &Place, reader: &mut Reader) -> Option<Self> {
        reader.fields(value, place, |fields| {
            let (question, Lines(answer)) = (fields.required("question"), fields.required("answer"));
            Self { question, answer }
        })
    }
}
