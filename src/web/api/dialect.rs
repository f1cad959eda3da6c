//! Refusals in the product's own words. What a body holds is the same for every product; the sentence that people meet
//! most often is the definition's, where it has one.

use super::problem::Problem;
use crate::product::Errors;

/// Behind the sentence about a missing scope, for a key that can never have it.
pub(super) const NEVER_RESTRICTED: &str = " A key bound to one resource can never hold it.";

/// What a definition may word.
#[derive(Clone, Copy, Debug)]
pub(super) enum Sentence {
    Unauthorized,
    MissingScope,
    /// As that, and no key of this type may hold it.
    ScopeBeyondType,
    NotFound,
    RateLimited,
}

impl Problem {
    /// The same problem, in the definition's words where it has some.
    pub fn in_words_of(mut self, errors: &Errors) -> Self {
        let own = match self.sentence {
            Some(Sentence::Unauthorized) => &errors.unauthorized,
            Some(Sentence::MissingScope | Sentence::ScopeBeyondType) => &errors.missing_scope,
            Some(Sentence::NotFound) => &errors.not_found,
            Some(Sentence::RateLimited) => &errors.rate_limited,
            None => return self,
        };
        let Some(own) = own else { return self };
        self.message = self.filled_in(own).into();
        self
    }

    fn filled_in(&self, sentence: &str) -> String {
        let mut message = sentence.to_owned();
        if let Some(more) = &self.more {
            message = message.replace("{scope}", more.required_scope.as_deref().unwrap_or_default());
            message = message.replace("{seconds}", &more.retry_after.unwrap_or_default().to_string());
        }
        if matches!(self.sentence, Some(Sentence::ScopeBeyondType)) {
            message.push_str(NEVER_RESTRICTED);
        }
        message
    }
}
