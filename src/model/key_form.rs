//! What somebody asks a new key to be, by form or JSON, and whether it can be: every mistake at once, each with the
//! field it belongs to and the way to mend it.

use std::time::Duration;

use time::Date;
use time::macros::format_description;

use super::api_key::{AllowedIps, KeyType};
use super::inbox::Inbox;
use super::name;
use super::scopes::{Scopes, WILDCARD, may_be_restricted};
use super::text;
use crate::clock::{Timestamp, days};
use crate::product::{ExpiryPolicy, Product, ScopeDefinition, ScopeKind};

/// Nobody plans further ahead than this; a year with a typo does.
const FURTHEST_EXPIRY: Duration = days(3653);
const MOST_NETWORKS: usize = 200;

/// The form's fields as they came.
#[derive(Clone, Debug, Default)]
pub struct KeyForm {
    pub key_type: String,
    pub name: String,
    pub environment: String,
    /// Whether the environment was typed by its id, by a program or in a file, and not chosen by its label on a page.
    pub by_id: bool,
    pub inbox: String,
    pub preset: String,
    pub scopes: Vec<String>,
    pub expires: String,
    pub expires_on: String,
    /// An exact moment, where one can be said (JSON); it outweighs the two above.
    pub expires_at: Option<Timestamp>,
    pub allowed_ips: String,
}

/// A key that may be issued.
#[derive(Clone, Debug)]
pub struct NewKey {
    pub name: String,
    pub key_type: KeyType,
    pub environment: String,
    pub inbox_id: Option<String>,
    pub scopes: Scopes,
    pub expires_at: Option<Timestamp>,
    pub allowed_ips: AllowedIps,
}

/// Mistakes in a form: field and sentence, in the order of the fields on the page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FieldErrors(Vec<(&'static str, String)>);

impl FieldErrors {
    pub fn add(&mut self, field: &'static str, sentence: impl Into<String>) {
        self.0.push((field, sentence.into()));
    }

    pub fn of(&self, field: &str) -> Option<&str> {
        self.0.iter().find(|(of, _)| *of == field).map(|(_, sentence)| sentence.as_str())
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The same mistakes, those of the field `from` under its other name `to`.
    pub fn renamed(self, from: &str, to: &'static str) -> Self {
        Self(self.0.into_iter().map(|(of, sentence)| (if of == from { to } else { of }, sentence)).collect())
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(field, sentence)| (*field, sentence.as_str()))
    }

    fn take<T>(&mut self, field: &'static str, result: Result<T, String>) -> Option<T> {
        result.map_err(|sentence| self.add(field, sentence)).ok()
    }
}

impl From<(&'static str, String)> for FieldErrors {
    fn from(one: (&'static str, String)) -> Self {
        Self(vec![one])
    }
}

impl KeyForm {
    /// The key that the form asks for. `inbox` is the inbox of this account that it names, if there is one.
    ///
    /// # Errors
    /// Every mistake in it.
    pub fn validate(&self, product: &Product, inbox: Option<&Inbox>, now: Timestamp) -> Result<NewKey, FieldErrors> {
        let mut errors = FieldErrors::default();
        let key_type = errors.take("type", self.key_type(product));
        let name = errors.take("name", self.name());
        let inbox_id = match key_type {
            Some(KeyType::Restricted) => errors.take("inbox", bound_to(product, inbox)).map(Some),
            _ => Some(None),
        };
        let environment = errors.take("environment", self.environment(product));
        let scopes = key_type.and_then(|key_type| errors.take("scopes", self.scopes(product, key_type)));
        let expires_at = errors.take("expires", self.expires_at(product, now));
        let allowed_ips = errors.take("allowed_ips", self.allowed_ips());
        match (key_type, name, inbox_id, environment, scopes, expires_at, allowed_ips) {
            (
                Some(key_type),
                Some(name),
                Some(inbox_id),
                Some(environment),
                Some(scopes),
                Some(expires_at),
                Some(allowed_ips),
            ) => Ok(NewKey { name, key_type, environment, inbox_id, scopes, expires_at, allowed_ips }),
            _ => Err(errors),
        }
    }

    fn key_type(&self, product: &Product) -> Result<KeyType, String> {
        let known = self.key_type.parse().ok().filter(|_| product.offers_type(&self.key_type));
        known.ok_or_else(|| {
            format!("Choose the type of key: {}.", text::list(&product.keys.types).replace(" and ", " or "))
        })
    }

    fn name(&self) -> Result<String, String> {
        let name = self.name.trim();
        name::objection(name, name::LONGEST).map_or_else(|| Ok(name.to_owned()), Err)
    }

    fn environment(&self, product: &Product) -> Result<String, String> {
        if product.environments.is_empty() && self.environment.is_empty() {
            return Ok(String::new());
        }
        let known = product.environments.iter();
        let called = known.map(|known| if self.by_id { known.id.clone() } else { known.label.clone() });
        let called: Vec<String> = called.collect();
        let choose = || format!("Choose the environment: {}.", text::list(&called).replace(" and ", " or "));
        product.environment(&self.environment).map(|environment| environment.id.clone()).ok_or_else(choose)
    }

    /// The scopes that the form asks for.
    ///
    /// # Errors
    /// Why a key of this type cannot have them, and what to do.
    pub fn scopes(&self, product: &Product, key_type: KeyType) -> Result<Scopes, String> {
        let granted = self.granted(product, key_type)?;
        if !product.keys.full_access && granted.iter().any(|id| id == WILDCARD) {
            return Err("No key may hold *, full access, here. Choose from the scopes of this product.".into());
        }
        let unknown = granted.iter().find(|id| *id != WILDCARD && product.scope(id).is_none());
        if let Some(unknown) = unknown {
            return Err(format!("There is no scope {unknown:?}. Choose from the scopes of this product."));
        }
        let beyond = granted.iter().find(|id| key_type == KeyType::Restricted && !may_be_restricted(id, product));
        if let Some(beyond) = beyond {
            return Err(format!(
                "A {} key can’t hold {beyond}. It works with one {} and nothing else.",
                product.words.restricted, product.words.resource
            ));
        }
        let scopes = Scopes::ordered(&granted, product);
        if scopes.is_empty() {
            Err("Choose at least one scope. A key with no scopes can’t do anything.".into())
        } else {
            Ok(scopes)
        }
    }

    /// The scopes that are asked for, by name or by preset.
    fn granted(&self, product: &Product, key_type: KeyType) -> Result<Vec<String>, String> {
        let asks_for_less = !self.scopes.is_empty() || !matches!(self.preset.as_str(), "" | "custom" | "full");
        let preset = match self.preset.as_str() {
            _ if product.keys.choose_scopes => self.preset.as_str(),
            _ if asks_for_less => {
                return Err("Scopes can’t be chosen here: a key may do all that its type can. Leave them out.".into());
            }
            _ => "full",
        };
        let all = holdable(product, key_type);
        Ok(match (preset, key_type) {
            ("custom" | "", _) => self.scopes.clone(),
            ("full", KeyType::Restricted) => all.map(|scope| scope.id.clone()).collect(),
            ("read", KeyType::Restricted) => {
                all.filter(|scope| scope.kind == ScopeKind::Read).map(|scope| scope.id.clone()).collect()
            }
            (preset, _) => product.preset_scopes(preset).ok_or_else(|| no_preset(preset, product))?,
        })
    }

    fn expires_at(&self, product: &Product, now: Timestamp) -> Result<Option<Timestamp>, String> {
        let policy = product.expiry.policy;
        // A date means until its last second.
        let furthest = product.expiry.max_days.map_or(now + FURTHEST_EXPIRY, |most| end_of_day(now + days(most)));
        let after_today = || format!("Choose an expiry date after today, {}.", text::date(now));
        if let Some(at) = self.expires_at.filter(|at| *at <= now) {
            return Err(format!("Choose a moment after now, {now}; {at} has passed."));
        }
        let asked = if self.expires_at.is_some() {
            self.expires_at
        } else if self.expires_on.trim().is_empty() {
            match self.expires.trim_end_matches('d') {
                "" => product
                    .expiry
                    .default_days
                    .filter(|_| policy == ExpiryPolicy::Required)
                    .map(|default| now + days(default)),
                "none" | "never" => None,
                count => Some(now + days(count.parse().map_err(|_| after_today())?)),
            }
        } else {
            Some(
                last_second_of(self.expires_on.trim())
                    .ok_or("Write the date as year-month-day, such as 2027-02-19.")?,
            )
        };
        match (policy, asked) {
            (ExpiryPolicy::None, Some(_)) => Err("Keys don’t expire here. Leave the expiry out.".into()),
            (ExpiryPolicy::Required, None) => Err("Choose when this key expires.".into()),
            (_, Some(at)) if self.expires_at.is_none() && at <= end_of_day(now) => Err(after_today()),
            (_, Some(at)) if at > furthest => {
                // A day that ends beyond it is too late as a whole.
                let last = if end_of_day(furthest) > furthest { furthest - days(1) } else { furthest };
                Err(format!("Choose an expiry date no later than {}.", text::date(last)))
            }
            (_, asked) => Ok(asked),
        }
    }

    fn allowed_ips(&self) -> Result<AllowedIps, String> {
        let allowed: AllowedIps = self.allowed_ips.parse().map_err(|unknown: super::user::Unknown| {
            format!("{:?} is not an address. Write one address or CIDR a line, such as 203.0.113.0/24.", unknown.found)
        })?;
        if allowed.iter().count() > MOST_NETWORKS {
            return Err(format!("Use {MOST_NETWORKS} addresses or fewer."));
        }
        Ok(allowed)
    }
}

fn no_preset(unknown: &str, product: &Product) -> String {
    let own = product.presets.iter().map(|preset| preset.id.clone());
    let reads = product.scopes.iter().any(|scope| scope.kind == ScopeKind::Read).then_some("read");
    let known: Vec<String> = own.chain(reads.into_iter().chain(["full", "custom"]).map(str::to_owned)).collect();
    format!("There is no preset {unknown:?}. Choose {}.", text::list(&known).replace(" and ", " or "))
}

/// What is said of a name that a live key of the environment has.
pub fn name_taken(name: &str, product: &Product, environment: &str) -> String {
    let label = product.environment(environment).map_or("API".into(), |found| found.label.to_lowercase());
    let article = if label.starts_with(['a', 'e', 'i', 'o', 'u', 'A']) { "An" } else { "A" };
    format!("{article} {label} key named {name} already exists. Choose another name.")
}

/// What is said to an account that holds as many keys as it may.
pub fn limit_reached(product: &Product) -> String {
    let most = text::count(product.keys.limit.unsigned_abs(), "key", "keys");
    format!("This account may hold {most}. Delete one first.")
}

fn bound_to(product: &Product, inbox: Option<&Inbox>) -> Result<String, String> {
    let choose = || format!("Choose the {} this key works with.", product.words.resource);
    inbox.map(|inbox| inbox.id.clone()).ok_or_else(choose)
}

/// The scopes that a key of this type may hold.
pub fn holdable(product: &Product, key_type: KeyType) -> impl Iterator<Item = &ScopeDefinition> {
    product.scopes.iter().filter(move |scope| key_type == KeyType::Standard || may_be_restricted(&scope.id, product))
}

/// A date means until its last second: a key that expires on the 19th works on the 19th.
fn last_second_of(date: &str) -> Option<Timestamp> {
    let date = Date::parse(date, format_description!("[year]-[month]-[day]")).ok()?;
    Some(date.with_hms(23, 59, 59).ok()?.assume_utc().into())
}

fn end_of_day(now: Timestamp) -> Timestamp {
    now.date_time().date().with_hms(23, 59, 59).map_or(now, |end| end.assume_utc().into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::api_key::tests::NOW;
    use crate::product::DEFAULT;

    fn product() -> Product {
        Product::parse(DEFAULT).expect("the built-in definition")
    }

    fn form() -> KeyForm {
        KeyForm {
            key_type: "standard".into(),
            name: "billing-worker".into(),
            environment: "live".into(),
            preset: "send".into(),
            expires: "90".into(),
            ..KeyForm::default()
        }
    }

    fn inbox() -> Inbox {
        Inbox {
            id: "inb_1".into(),
            account_id: "acc_1".into(),
            name: "Orders".into(),
            address: "o@x.example".into(),
            created_at: NOW,
        }
    }

    fn error(form: &KeyForm, field: &str) -> String {
        let errors = form.validate(&product(), None, NOW).expect_err("a mistake");
        errors.of(field).unwrap_or_else(|| panic!("no error for {field} in {errors:?}")).to_owned()
    }

    #[test]
    fn a_sound_form_becomes_a_key() {
        let new = form().validate(&product(), None, NOW).expect("a sound form");
        assert_eq!(new.scopes.to_string(), "mail:send");
        assert_eq!(new.expires_at, Some(NOW + days(90)));
        assert_eq!(new.inbox_id, None);
    }

    #[test]
    fn every_mistake_is_found_at_once() {
        let empty = KeyForm { key_type: "restricted".into(), ..KeyForm::default() };
        let errors = empty.validate(&product(), None, NOW).expect_err("mistakes");
        let fields: Vec<_> = errors.iter().map(|(field, _)| field).collect();
        assert_eq!(fields, ["name", "inbox", "environment", "scopes"]);
    }

    #[test]
    fn a_name_has_one_to_fifty_characters() {
        assert_eq!(error(&KeyForm { name: "  ".into(), ..form() }, "name"), "Enter a name.");
        let long = KeyForm { name: "x".repeat(51), ..form() };
        assert_eq!(error(&long, "name"), "Use 50 characters or fewer. This name has 51.");
        assert!(KeyForm { name: "ж".repeat(50), ..form() }.validate(&product(), None, NOW).is_ok());
    }

    #[test]
    fn an_environment_is_called_as_it_is_chosen() {
        let unknown = KeyForm { environment: "Live".into(), ..form() };
        assert_eq!(error(&unknown, "environment"), "Choose the environment: Test or Live.");
        let typed = KeyForm { by_id: true, ..unknown };
        assert_eq!(error(&typed, "environment"), "Choose the environment: test or live.");
    }

    #[test]
    fn scopes_are_known_and_never_none() {
        let none = KeyForm { preset: "custom".into(), ..form() };
        assert_eq!(error(&none, "scopes"), "Choose at least one scope. A key with no scopes can’t do anything.");
        let unknown = KeyForm { preset: "custom".into(), scopes: vec!["mail:sned".into()], ..form() };
        assert!(error(&unknown, "scopes").contains("mail:sned"));
        let root = KeyForm { preset: "root".into(), ..form() };
        assert_eq!(error(&root, "scopes"), "There is no preset \"root\". Choose send, read, full or custom.");
        let mut without_reading = product();
        without_reading.scopes.retain(|scope| scope.kind != ScopeKind::Read);
        let errors = root.validate(&without_reading, None, NOW).expect_err("a mistake");
        assert_eq!(errors.of("scopes"), Some("There is no preset \"root\". Choose send, full or custom."));
    }

    #[test]
    fn boxes_count_only_with_custom() {
        let ticked = KeyForm { preset: "send".into(), scopes: vec!["domains:write".into()], ..form() };
        assert_eq!(ticked.validate(&product(), None, NOW).expect("a sound form").scopes.to_string(), "mail:send");
    }

    #[test]
    fn a_restricted_key_holds_no_account_scope() {
        let wide = KeyForm {
            key_type: "restricted".into(),
            preset: "custom".into(),
            scopes: vec!["domains:read".into()],
            ..form()
        };
        let errors = wide.validate(&product(), Some(&inbox()), NOW).expect_err("a mistake");
        assert!(errors.of("scopes").is_some_and(|why| why.contains("can’t hold domains:read")));
        let full = KeyForm { preset: "full".into(), ..wide.clone() };
        let new = full.validate(&product(), Some(&inbox()), NOW).expect("a sound form");
        assert_eq!(new.scopes.to_string(), "mail:send mail:read mail:write");
        let read = KeyForm { preset: "read".into(), ..wide.clone() };
        let new = read.validate(&product(), Some(&inbox()), NOW).expect("a sound form");
        assert_eq!(new.scopes.to_string(), "mail:read");
        let star = KeyForm { scopes: vec!["*".into()], ..wide };
        assert!(star.validate(&product(), Some(&inbox()), NOW).is_err());
    }

    #[test]
    fn an_expiry_lies_after_today() {
        let on = |date: &str| KeyForm { expires_on: date.into(), ..form() };
        assert_eq!(error(&on("2026-11-21"), "expires"), "Choose an expiry date after today, 21 Nov 2026.");
        assert_eq!(error(&on("2020-01-01"), "expires"), "Choose an expiry date after today, 21 Nov 2026.");
        assert!(error(&on("21.11.2027"), "expires").contains("2027-02-19"));
        assert_eq!(error(&on("2036-11-21"), "expires"), "Choose an expiry date no later than 20 Nov 2036.");
        assert!(on("2036-11-20").validate(&product(), None, NOW).is_ok());
        assert!(error(&on("9999-01-01"), "expires").contains("no later than"));
        for count in ["-3", "0"] {
            assert!(error(&KeyForm { expires: count.into(), ..form() }, "expires").contains("after today"), "{count}");
        }
        let tomorrow = on("2026-11-22").validate(&product(), None, NOW).expect("tomorrow").expires_at;
        assert_eq!(tomorrow.map(|at| at.to_string()).as_deref(), Some("2026-11-22T23:59:59Z"));
    }

    #[test]
    fn policies_of_the_definition_hold() {
        let mut product = product();
        product.expiry.policy = ExpiryPolicy::None;
        assert!(form().validate(&product, None, NOW).is_err());
        product.expiry.policy = ExpiryPolicy::Required;
        assert!(KeyForm { expires: "none".into(), ..form() }.validate(&product, None, NOW).is_err());
        product.keys.types = vec!["restricted".into()];
        assert!(form().validate(&product, None, NOW).expect_err("a mistake").of("type").is_some());
    }

    #[test]
    fn addresses_are_checked_line_by_line() {
        assert!(
            error(&KeyForm { allowed_ips: "203.0.113.0/24\nhome".into(), ..form() }, "allowed_ips").contains("home")
        );
        let [most, more] = [MOST_NETWORKS, MOST_NETWORKS + 1].map(|count| {
            let lines: Vec<String> = (0..count).map(|number| format!("10.0.{number}.0/24")).collect();
            KeyForm { allowed_ips: lines.join("\n"), ..form() }
        });
        assert_eq!(most.validate(&product(), None, NOW).expect("as many as fit").allowed_ips.iter().count(), 200);
        assert_eq!(error(&more, "allowed_ips"), "Use 200 addresses or fewer.");
    }
}
