//! The pages of the list: which keys stand on one, what leads to those beside it, and what is said of where one is.

use super::list::Asked;
use crate::model::api_key::ApiKey;
use crate::model::text;
use crate::store::count::Count;
use crate::store::key_list::{KeyList, KeyPage, PAGE};
use crate::web::error::Error;

/// The order that a list stands in where nobody asked for one: of more keys than a look reaches, those of a status that a
/// moment decides stand in the order of that moment, where they are side by side.
pub(super) async fn own_order(list: &KeyList<'_>, asked: &Asked) -> Result<Option<&'static str>, Error> {
    let order = match asked.filter.status.as_str() {
        "expired" => "-expires",
        "expiring" => "expires",
        "never-used" => "-created",
        _ => return Ok(None),
    };
    let is_asked_for = !asked.sort.is_empty() || !asked.page().from.is_empty();
    Ok(if !is_asked_for && list.is_long().await? { Some(order) } else { None })
}

/// Cuts the page to its length, and gives the keys that the pages before and after it lead on from.
pub(super) fn trim(
    keys: &mut Vec<ApiKey>,
    asked: &Asked,
    looked_to: Option<String>,
) -> (Option<String>, Option<String>) {
    let more = keys.len() > PAGE;
    let backwards = !asked.before.is_empty();
    if more {
        keys.remove(if backwards { 0 } else { PAGE });
    }
    let first = keys.first().map(|key| key.id.clone());
    let last = keys.last().map(|key| key.id.clone());
    if backwards {
        let here = asked.before.clone();
        (looked_to.or_else(|| first.filter(|_| more)), Some(last.unwrap_or(here)))
    } else {
        let here = Some(asked.after.clone()).filter(|after| !after.is_empty());
        (here.map(|here| first.unwrap_or(here)), looked_to.or_else(|| last.filter(|_| more)))
    }
}

/// How many keys stand before the page, unless they are too many to say.
pub(super) async fn position(page: &KeyPage<'_>, asked: &Asked, keys: &[ApiKey]) -> Result<Option<i64>, Error> {
    let plain_first_page = asked.after.is_empty() && asked.before.is_empty();
    match keys.first() {
        Some(first) if !plain_first_page => Ok(page.position(&first.id).await?),
        _ => Ok(Some(0)),
    }
}

/// `Showing 1–50 of 312 keys`; `is_last` where nothing comes after the page.
pub(super) fn showing(first: Option<i64>, shown: usize, is_last: bool, counted: Count) -> String {
    let shown = shown as u64;
    let last = first.map_or(0, i64::unsigned_abs) + shown;
    let total = if is_last && first.is_some() { Count::default() } else { counted };
    let keys = total.or_at_least(last.cast_signed()).of("key", "keys");
    match first {
        _ if shown == 0 => "No keys".into(),
        Some(first) => {
            format!("Showing {}–{} of {keys}", text::thousands(first.unsigned_abs() + 1), text::thousands(last))
        }
        None => format!("Showing {shown} of {keys}"),
    }
}
