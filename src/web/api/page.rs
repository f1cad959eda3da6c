//! Cursor pages: `?limit=&after=` → `{data, next}`.

use super::problem::Problem;

/// Rows on a page when nobody says, and at most.
const DEFAULT_LIMIT: usize = 50;
const MOST: usize = 100;

/// The number of rows asked for.
pub fn limit(asked: &str) -> Result<usize, Problem> {
    if asked.is_empty() {
        return Ok(DEFAULT_LIMIT);
    }
    let limit = asked.parse().ok().filter(|limit| (1..=MOST).contains(limit));
    limit.ok_or_else(|| Problem::bad_request(format!("limit is a number from 1 to {MOST}.")))
}
