//! Hours that are over for 90 days become days, in chunks, and no request is lost or counted twice on the way.

use keydesk::clock::days;
use keydesk::jobs::usage_hours::{self, KEPT_DAYS};
use keydesk::store::usage::{self, KeyUse};
use keydesk::store::usage_roll_up::roll_up_some;

use crate::support::{Dice, TestApp};

const SUMS: [(&str, &str); 4] =
    [("ok", "usage_days"), ("refused", "usage_days"), ("count", "usage_refusal_days"), ("count", "account_usage_days")];

impl TestApp {
    async fn sum(&self, column: &str, table: &str) -> i64 {
        self.count(&format!("select cast(coalesce(sum({column}), 0) as bigint) from {table}")).await
    }

    async fn days_sums(&self) -> Vec<i64> {
        let mut sums = Vec::new();
        for (column, table) in SUMS {
            sums.push(self.sum(column, table).await);
        }
        sums
    }

    async fn rolled_up(&self) {
        usage_hours::roll_up(&self.app.background()).await.expect("the database rolls up");
    }
}

/// Two accounts of five keys each, used here and there in the last 120 days.
async fn used_for_long(desk: &TestApp) {
    let dice = Dice::seeded(1);
    for owner in [desk.alice().await, desk.bob().await] {
        for number in 0..5 {
            let id = owner.creates(&format!("key {number}"), &[]).await;
            let mut counted = KeyUse::of(&owner.account_id, &id, String::new());
            for _ in 0..200 {
                let hour = desk.app.now().hour() - i64::try_from(dice.below(24 * 120)).expect("an hour");
                let refused = [("scope_missing", 2), ("rate_limited", 3)];
                counted.count(hour, 7, if dice.one_in(3) { &refused } else { &[] });
            }
            usage::flush(&desk.app.db, std::iter::once(&counted)).await.expect("the database takes the counts");
        }
    }
}

#[tokio::test]
async fn old_hours_become_days_and_every_sum_stays() {
    let desk = TestApp::new().await;
    used_for_long(&desk).await;
    let before = desk.days_sums().await;
    let first_kept = (desk.app.now().hour().div_euclid(24) - KEPT_DAYS) * 24;
    let kept = |table: &str| format!("select count(*) from {table} where hour >= {first_kept}");
    let hours = desk.count(&kept("usage_hours")).await;
    assert_eq!(before[..2], [10 * 200 * 7, desk.sum("refused", "usage_hours").await]);
    desk.rolled_up().await;
    assert_eq!(desk.days_sums().await, before);
    for table in ["usage_hours", "usage_refusals", "account_usage_hours"] {
        let old = format!("select count(*) from {table} where hour < {first_kept}");
        assert_eq!(desk.count(&old).await, 0, "{table} keeps what is over");
    }
    assert_eq!(desk.count(&kept("usage_hours")).await, hours, "the last 90 days keep their hours");
    assert!(hours > 0);
    desk.rolled_up().await;
    assert_eq!(desk.days_sums().await, before, "a second time changes nothing");
    desk.pass(days(200));
    desk.rolled_up().await;
    assert_eq!((desk.sum("1", "usage_hours").await, desk.days_sums().await), (0, before));
}

#[tokio::test]
async fn a_job_that_is_killed_between_two_chunks_goes_on_where_it_was() {
    let desk = TestApp::new().await;
    used_for_long(&desk).await;
    let before = desk.days_sums().await;
    let cutoff = (desk.app.now().hour().div_euclid(24) - KEPT_DAYS) * 24;
    let mut chunks = 0;
    while roll_up_some(&desk.app.db, cutoff).await.expect("the database rolls up") {
        chunks += 1;
        assert_eq!(desk.days_sums().await, before, "after chunk {chunks}");
    }
    assert!(chunks >= 29, "a day of an account at a time: {chunks}");
}

#[tokio::test]
async fn what_an_older_version_counted_by_the_hour_only_is_made_up_for() {
    let desk = TestApp::new().await;
    used_for_long(&desk).await;
    let before = desk.days_sums().await;
    desk.database.run("delete from usage_days").await;
    desk.database.run("delete from usage_refusal_days").await;
    desk.pass(days(130));
    desk.rolled_up().await;
    assert_eq!(desk.days_sums().await, before);
}
