//! Cursor pages: `?limit=&after=` → `{data, next}`, and whatever else a list is asked for. What cannot be is a 400 in
//! words, never quietly another list.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use serde::Serialize;
use utoipa::ToSchema;

use super::moment::Moment;
use super::problem::Problem;
use crate::clock::Timestamp;
use crate::web::form::Fields;

/// Rows on a page when nobody says, and at most.
const DEFAULT_LIMIT: usize = 50;
const MOST: usize = 100;

/// One page of a list.
#[derive(Serialize, ToSchema)]
pub struct Page<T> {
    pub data: Vec<T>,
    /// What to send as `after` for the next page; null on the last.
    #[schema(required = true)]
    pub next: Option<String>,
}

impl<T> Page<T> {
    /// The page of at most `limit` of `rows`, which hold one more where there is another page behind it.
    pub fn of<R>(mut rows: Vec<R>, limit: usize, cursor: impl Fn(&R) -> String, shown: impl Fn(R) -> T) -> Self {
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next = rows.last().filter(|_| more).map(cursor);
        Self { data: rows.into_iter().map(shown).collect(), next }
    }
}

/// The query of a list; nothing if it is not valid text.
pub struct Asked(Option<Fields>);

impl<S: Sync> FromRequestParts<S> for Asked {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self(Fields::parse(parts.uri.query().unwrap_or_default())))
    }
}

impl Asked {
    /// A parameter as it came; empty if it is not there.
    pub fn get(&self, name: &str) -> Result<&str, Problem> {
        Ok(self.fields()?.get(name))
    }

    /// A parameter as it came, if it is there.
    pub fn value(&self, name: &str) -> Result<Option<&str>, Problem> {
        let fields = self.fields()?;
        Ok(fields.has(name).then(|| fields.get(name)))
    }

    /// The number of rows asked for.
    pub fn limit(&self) -> Result<usize, Problem> {
        let Some(asked) = self.value("limit")? else { return Ok(DEFAULT_LIMIT) };
        let limit = asked.parse().ok().filter(|limit| (1..=MOST).contains(limit));
        limit.ok_or_else(|| Problem::bad_request(format!("limit is a number from 1 to {MOST}.")))
    }

    /// The id of this kind in a parameter, such as `key_…`; empty if it is not there or empty.
    pub fn id(&self, name: &str, kind: &str) -> Result<&str, Problem> {
        let id = self.get(name)?;
        if id.is_empty() || is_id(id, kind) {
            return Ok(id);
        }
        Err(Problem::bad_request(format!("{name} is an id that begins with {kind}_, as an answer said it.")))
    }

    /// The id of whatever kind in a parameter; empty if it is not there or empty.
    pub fn any_id(&self, name: &str) -> Result<&str, Problem> {
        let id = self.get(name)?;
        let kind = id.split('_').next().unwrap_or_default();
        let can_be = kind.len() == 3 && kind.bytes().all(|byte| byte.is_ascii_lowercase()) && is_id(id, kind);
        if id.is_empty() || can_be {
            return Ok(id);
        }
        Err(Problem::bad_request(format!("{name} is an id, as an answer said it.")))
    }

    /// The moment in a parameter, if it is there.
    pub fn moment(&self, name: &str) -> Result<Option<Timestamp>, Problem> {
        let Some(asked) = self.value(name)? else { return Ok(None) };
        let wrong = || Problem::bad_request(format!("{name} is a moment in RFC 3339, such as 2027-02-19T00:00:00Z."));
        Moment::parse(asked).map(Some).ok_or_else(wrong)
    }

    fn fields(&self) -> Result<&Fields, Problem> {
        self.0.as_ref().ok_or_else(|| Problem::bad_request("The query holds what is not valid text."))
    }
}

/// One row more than a page shows, to see whether another page follows.
pub fn one_more(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX).saturating_add(1)
}

/// Whether a record of this kind can have this id.
pub fn is_id(text: &str, kind: &str) -> bool {
    let random = text.strip_prefix(kind).and_then(|rest| rest.strip_prefix('_')).unwrap_or_default();
    random.len() == 16 && random.bytes().all(|byte| byte.is_ascii_alphanumeric())
}
