//! Somebody is invited, joins by the mail, gets another role and is removed, as people walk it; and the pages on the way
//! before the inspector.

use std::time::Duration;

use crate::browser::PATIENCE;
use crate::desk::Desk;
use crate::flows::walk_at;
use crate::inspector::Inspector;
use crate::person::PASSWORD;

/// The path of the link in the mail to `email`, which a desk without a mail server prints. Waited for.
pub async fn mailed(desk: &Desk, email: &str) -> String {
    let printed = async {
        let mut pace = tokio::time::interval(Duration::from_millis(25));
        loop {
            pace.tick().await;
            let log = desk.log();
            let mail = log.rsplit_once(&format!("--- Mail to {email}: You are invited")).map(|(_, mail)| mail);
            let link = mail.and_then(|mail| mail.split_once("/invitation?token=")).map(|(_, link)| link);
            if let Some((token, _)) = link.and_then(|link| link.split_once('\n')) {
                return format!("/invitation?token={}", token.trim());
            }
        }
    };
    tokio::time::timeout(PATIENCE, printed).await.unwrap_or_else(|_| panic!("no mail to {email}"))
}

#[tokio::test]
#[ignore = "needs Chromium: run ./scripts/test"]
async fn a_colleague_is_invited_joins_changes_role_and_leaves() {
    let desk = Desk::start();
    walk_at(&desk, async |ana, email| {
        let ravi = format!("ravi.{email}");
        ana.sign_up("Halden Freight", email).await;
        ana.goto("/settings/team").await;
        ana.follow("Invite someone").await;
        ana.press("Send invitation").await;
        assert_eq!(ana.status().await, 422);
        assert!(ana.title().await.starts_with("Error: "));
        ana.fill("email", &ravi).await;
        ana.choose("role", "auditor").await;
        ana.press("Send invitation").await;
        ana.see("is invited as an auditor.").await;
        ana.see("expires in 7 days").await;
        let link = mailed(&desk, &ravi).await;

        ana.forget().await;
        ana.goto(&link).await;
        assert_eq!(ana.heading().await, "Join Halden Freight");
        ana.fill("name", "Ravi Shah").await;
        ana.fill("password", PASSWORD).await;
        ana.press("Join Halden Freight").await;
        assert_eq!(ana.path().await, "/settings/api-keys");
        ana.goto(&link).await;
        assert_eq!((ana.status().await, ana.heading().await.as_str()), (410, "This invitation doesn’t work any more"));

        ana.forget().await;
        ana.goto("/sign-in").await;
        ana.sign_in(email, PASSWORD).await;
        ana.goto("/settings/team").await;
        ana.follow("Change role of Ravi Shah").await;
        ana.choose("role", "member").await;
        ana.press("Change role").await;
        ana.see("Ravi Shah is now a member.").await;
        ana.follow("Remove… Ravi Shah").await;
        ana.press("Remove Ravi Shah").await;
        ana.see("Ravi Shah was removed.").await;
        assert!(!ana.text().await.contains(&ravi));
    })
    .await;
}

#[tokio::test]
#[ignore = "needs Chromium: run ./scripts/test"]
async fn the_pages_of_a_team_are_open_to_everybody() {
    let desk = Desk::start();
    let mut inspector = Inspector::open(&desk).await;
    inspector.browser.sign_up("Halden Freight", "ana.reyes@halden.example").await;
    inspector.visit("team-invite", "/settings/team/invitations/new").await;
    inspector.browser.press("Send invitation").await;
    inspector.look("team-invite-error").await;
    for email in ["ravi.shah.of.the.night.shift@halden.example", "jo@harbour.example"] {
        inspector.browser.goto("/settings/team/invitations/new").await;
        inspector.browser.fill("email", email).await;
        inspector.browser.press("Send invitation").await;
    }
    inspector.look("team-invited").await;
    inspector.browser.follow("Change role of Ana Reyes").await;
    inspector.look("team-role").await;
    inspector.browser.choose("role", "member").await;
    inspector.browser.press("Change role").await;
    inspector.look("team-role-error").await;
    inspector.browser.goto("/settings/team").await;
    inspector.browser.follow("Remove… Ana Reyes").await;
    inspector.look("team-remove").await;
    inspector.browser.press("Remove Ana Reyes").await;
    inspector.look("team-remove-error").await;

    let link = mailed(&desk, "ravi.shah.of.the.night.shift@halden.example").await;
    let taken = mailed(&desk, "jo@harbour.example").await;
    inspector.browser.forget().await;
    inspector.visit("invitation", &link).await;
    inspector.browser.fill("password", "short").await;
    inspector.browser.press("Join Halden Freight").await;
    inspector.look("invitation-error").await;
    inspector.visit("invitation-over", "/invitation?token=kdinvite_x").await;
    inspector.browser.sign_up("Harbour Labs", "jo@harbour.example").await;
    inspector.visit("invitation-taken", &taken).await;
    inspector.done();
}
