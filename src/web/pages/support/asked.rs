//! What somebody typed into the one field of the desk: a request id, a key id, a whole key, or the end of one. A key is
//! never kept, echoed or put into an address; only its hash and its end leave here.

use crate::model::secret::{Secret, SecretHash};
use crate::web::App;

/// Characters of a key that people read out; longer ones are a good part of it.
const LONGEST_ENDING: usize = 8;
/// Characters of an id behind its kind.
const ID: usize = 16;

pub enum Asked {
    Request(String),
    Key(String),
    /// A key that is whole, and ours in its looks.
    Secret(Vec<SecretHash>),
    /// So much of a key that it counts as one.
    Part {
        last4: String,
    },
    Ending {
        last4: String,
    },
    Nothing,
}

impl Asked {
    pub async fn read(app: &App, typed: &str) -> sqlx::Result<Self> {
        let typed = typed.trim();
        if is_id(typed, "req_") {
            return Ok(Self::Request(typed.to_owned()));
        }
        if is_id(typed, "key_") {
            return Ok(Self::Key(typed.to_owned()));
        }
        if let Some(last4) = Secret::last4_within(typed, &app.gate.prefixes.all()) {
            return Ok(match hashes_within(app, typed).await? {
                Some(hashes) => Self::Secret(hashes),
                None => Self::Part { last4: last4.to_owned() },
            });
        }
        Ok(ending(typed).map_or(Self::Nothing, |last4| Self::Ending { last4: last4.to_owned() }))
    }

    /// Whether somebody has passed a key on.
    pub fn is_leak(&self) -> bool {
        matches!(self, Self::Secret(_) | Self::Part { .. })
    }
}

/// The hashes of the whole key in a text: on its own, in a line of a `.env` file, in a header.
async fn hashes_within(app: &App, text: &str) -> sqlx::Result<Option<Vec<SecretHash>>> {
    for word in text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')) {
        let presented = match app.gate.prefixes.parse(word) {
            Ok(presented) => Some(presented),
            Err(_) => app.gate.prefixes.ask(&app.db, word, app.now()).await?,
        };
        if let Some(presented) = presented {
            return Ok(Some(presented.hashes(&app.keyring).collect()));
        }
    }
    Ok(None)
}

/// `7Qx2`, `…7Qx2`, `kd_live_…7Qx2`: the last four of four to eight characters.
fn ending(text: &str) -> Option<&str> {
    let text = text.rsplit(['…', '.', '_']).next().unwrap_or(text);
    let plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric());
    (plain && (4..=LONGEST_ENDING).contains(&text.len())).then(|| &text[text.len() - 4..])
}

fn is_id(text: &str, kind: &str) -> bool {
    let random = text.strip_prefix(kind);
    random.is_some_and(|random| random.len() == ID && random.bytes().all(|byte| byte.is_ascii_alphanumeric()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ending_is_four_to_eight_characters_however_it_is_written() {
        for text in ["7Qx2", "…7Qx2", "kd_live_…7Qx2", "kd_live_...7Qx2", "ab3d7Qx2"] {
            assert_eq!(ending(text), Some("7Qx2"), "{text}");
        }
        for text in ["", "7Qx", "billing-worker", "123456789", "7Q 2", "ééé"] {
            assert_eq!(ending(text), None, "{text}");
        }
    }
}
