//! File descriptors: every connection takes one, and what the system gives at first is often too few.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// For the database, the logs, mail and what else is not a connection of somebody's.
const OTHERS: u64 = 256;

/// How many of `wanted` connections there is room for, once the limit is as high as it may be.
pub fn room_for(wanted: usize) -> usize {
    let needed = u64::try_from(wanted).unwrap_or(u64::MAX).saturating_add(OTHERS);
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let mut limit = current.unwrap_or(u64::MAX);
    let reachable = maximum.unwrap_or(u64::MAX).min(needed);
    if limit < reachable {
        match setrlimit(Resource::Nofile, Rlimit { current: Some(reachable), maximum }) {
            Ok(()) => limit = reachable,
            Err(error) => tracing::warn!(%error, "The limit of open files could not be raised"),
        }
    }
    let room = wanted.min(usize::try_from(beside_others(limit)).unwrap_or(usize::MAX));
    if room < wanted {
        tracing::warn!(limit, room, wanted, "There are too few open files for KEYDESK_MAX_CONNECTIONS: see ulimit -n");
    }
    room
}

/// Never less than half, so that a small limit leaves a door.
fn beside_others(limit: u64) -> u64 {
    limit.saturating_sub(OTHERS).max(limit / 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_leave_room_for_the_rest() {
        assert_eq!(beside_others(1_024), 768);
        assert_eq!(beside_others(100), 50);
        assert_eq!(room_for(1), 1);
    }
}
