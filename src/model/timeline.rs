//! The life of a key in one reading: made, first used, changed, rotated, last used, deleted. Made of what the audit log and
//! the usage say; nothing of it is kept a second time.

use super::api_key::ApiKey;
use super::audit::{Action, AuditEvent};
use crate::clock::Timestamp;

/// One step of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    pub at: Timestamp,
    pub what: String,
    /// Who did it; empty for its use.
    pub who: String,
    pub grave: bool,
}

/// The steps, the first one first. `newest_first` is what the log has of the key, or the end of it.
pub fn timeline(key: &ApiKey, newest_first: &[AuditEvent], first_used_at: Option<Timestamp>) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut told: Vec<&AuditEvent> = newest_first.iter().rev().filter(|event| is_step(event.action)).collect();
    if told.first().is_none_or(|first| first.action != Action::KeyCreated) {
        steps.push(created(key));
    }
    while !told.is_empty() {
        // Somebody who had it shown again and again did one thing.
        let same = told.iter().take_while(|event| repeats(event, told[0])).count().max(1);
        steps.push(Step::of(told[0], same));
        told.drain(..same);
    }
    let used = |at: Timestamp, what: String| Step { at, what, who: String::new(), grave: false };
    steps.extend(first_used_at.map(|at| used(at, "First used".into())));
    let last = key.last_used_at.filter(|at| Some(*at) != first_used_at);
    let from = key.last_used_ip.as_ref().map(|ip| format!(", from {ip}")).unwrap_or_default();
    steps.extend(last.map(|at| used(at, format!("Last used{from}"))));
    steps.sort_by_key(|step| step.at);
    steps
}

fn is_step(action: Action) -> bool {
    action.code().starts_with("key.") && !matches!(action, Action::KeyRevealRefused | Action::KeyNoted)
}

fn repeats(event: &AuditEvent, first: &AuditEvent) -> bool {
    event.action == Action::KeyRevealed && first.action == event.action && first.actor_id == event.actor_id
}

fn created(key: &ApiKey) -> Step {
    let who = key.created_by_name.clone().unwrap_or_default();
    Step { at: key.created_at, what: Action::KeyCreated.sentence().into(), who, grave: false }
}

impl Step {
    fn of(event: &AuditEvent, times: usize) -> Self {
        let what = if times > 1 { format!("{}, {times} times", event.sentence()) } else { event.sentence() };
        let who = if event.actor_name.is_empty() { &event.actor_kind } else { &event.actor_name };
        Self { at: event.at, what, who: who.clone(), grave: event.action.is_grave() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{days, hours};
    use crate::model::api_key::tests::{NOW, key};
    use crate::model::audit::tests::event as a_rotation;

    fn event(action: Action, days_ago: u64, detail: &str) -> AuditEvent {
        AuditEvent { at: NOW - days(days_ago), action, detail: detail.into(), ..a_rotation() }
    }

    fn read(steps: &[Step]) -> Vec<&str> {
        steps.iter().map(|step| step.what.as_str()).collect()
    }

    #[test]
    fn a_life_reads_from_its_beginning_to_its_end() {
        let log = [
            event(Action::KeyDeleted, 0, "with its inbox"),
            event(Action::KeyNoted, 3, "“who uses it?”"),
            event(Action::KeyRotated, 10, "old key stopped at once"),
            event(Action::KeyRevealed, 97, ""),
            event(Action::KeyRevealed, 98, ""),
            event(Action::KeyRevealed, 99, ""),
            event(Action::KeyCreated, 100, ""),
        ];
        let mut key = key();
        (key.last_used_at, key.last_used_ip) = (Some(NOW - hours(1)), Some("203.0.113.80".into()));
        let steps = timeline(&key, &log, Some(NOW - days(50)));
        let told = [
            "Created the key",
            "Revealed the key, 3 times",
            "First used",
            "Rotated the key, old key stopped at once",
            "Last used, from 203.0.113.80",
            "Deleted the key, with its inbox",
        ];
        assert_eq!(read(&steps), told);
        assert!(steps[5].grave && steps[5].who == "Ana");
    }

    #[test]
    fn a_key_was_made_even_if_its_log_is_longer_than_what_is_read() {
        let mut key = key();
        key.last_used_at = None;
        assert_eq!(read(&timeline(&key, &[], None)), ["Created the key"]);
        let steps = timeline(&key, &[event(Action::KeyPaused, 1, "")], None);
        assert_eq!(read(&steps), ["Created the key", "Paused the key"]);
        key.last_used_at = Some(NOW);
        assert_eq!(read(&timeline(&key, &[], Some(NOW))), ["Created the key", "First used"]);
    }
}
