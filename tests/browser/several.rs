//! Several keys at once, notes and the timeline, as people walk them and before the inspector.

use crate::desk::Desk;
use crate::flows::walk;
use crate::inspector::Inspector;

const LIST: &str = "/settings/api-keys";
const BOXES: &str = "/settings/api-keys?select=1";

#[tokio::test]
#[ignore = "needs Chromium: run ./scripts/test"]
async fn several_keys_are_ticked_paused_and_deleted() {
    walk(async |ana, email| {
        ana.sign_up("Halden Freight", email).await;
        let mut ids = Vec::new();
        for name in ["billing", "orders", "search"] {
            ana.create_key(name, "full").await;
            ids.push(ana.path().await.rsplit('/').next().expect("an id").to_owned());
        }
        ana.goto(LIST).await;
        ana.follow("Select several").await;
        ana.press("Delete…").await;
        ana.see("No key was selected. Tick the keys first.").await;
        ana.goto(BOXES).await;
        if ana.view().has_javascript() {
            ana.see("Select all on this page").await;
            ana.see("With the selected keys").await;
            let all = ana.find(".bulk input").await;
            all.click().await.expect("the box can be ticked");
            ana.see("4 selected").await;
            ana.find(".bulk input").await.click().await.expect("the box can be cleared");
            ana.see("With the selected keys").await;
        } else {
            assert!(!ana.text().await.contains("Select all on this page"));
        }
        ana.choose("key", &ids[0]).await;
        ana.choose("key", &ids[1]).await;
        ana.press("Pause…").await;
        assert_eq!(ana.heading().await, "Pause 2 keys?");
        ana.press("Pause 2 keys").await;
        ana.see("2 keys were paused.").await;
        ana.goto(BOXES).await;

        ana.choose("key", &ids[0]).await;
        ana.choose("key", &ids[2]).await;
        ana.press("Delete…").await;
        assert_eq!(ana.heading().await, "Delete 2 keys?");
        ana.press("Delete 2 keys").await;
        assert_eq!(ana.status().await, 422);
        assert!(ana.title().await.starts_with("Error: "));
        ana.fill("count", "2").await;
        ana.press("Delete 2 keys").await;
        ana.see("2 keys were deleted. Requests using them now fail with 401.").await;
        assert!(!ana.text().await.contains("billing") && ana.text().await.contains("orders"));
    })
    .await;
}

#[tokio::test]
#[ignore = "needs Chromium: run ./scripts/test"]
async fn a_note_is_added_and_stands_beside_the_timeline() {
    walk(async |ana, email| {
        ana.sign_up("Halden Freight", email).await;
        ana.create_key("billing", "full").await;
        let path = ana.path().await;
        ana.reveal().await;
        ana.goto(&path).await;
        ana.see("Created the key by Ana").await;
        ana.follow("Add a note").await;
        ana.press("Add note").await;
        assert_eq!(ana.status().await, 422);
        ana.fill("note", "Ask the warehouse before it goes.").await;
        ana.press("Add note").await;
        ana.see("billing has a new note.").await;
        ana.follow("Back to the key").await;
        ana.see("Ask the warehouse before it goes.").await;
    })
    .await;
}

#[tokio::test]
#[ignore = "needs Chromium: run ./scripts/test"]
async fn the_pages_of_several_keys_and_of_notes_are_open_to_everybody() {
    let desk = Desk::start();
    let mut inspector = Inspector::open(&desk).await;
    inspector.browser.sign_up("Halden Freight", "ana.reyes@halden.example").await;
    let mut chosen = String::new();
    let widest = "W".repeat(50);
    for name in ["production-backend", "a name of fifty characters, which is the most it h", &widest] {
        inspector.browser.create_key(name, "send").await;
        let path = inspector.browser.path().await;
        chosen = format!("{chosen}&key={}", path.rsplit('/').next().expect("an id"));
    }
    let sealed = inspector.browser.path().await;
    inspector.visit("keys-bulk", BOXES).await;
    inspector.browser.find(".c-pick input").await.click().await.expect("the box can be ticked");
    inspector.look("keys-bulk-ticked").await;
    inspector.visit("selected-pause", &format!("{LIST}/selected/pause?{}", &chosen[1..])).await;
    inspector.visit("selected-delete", &format!("{LIST}/selected/delete?{}", &chosen[1..])).await;
    inspector.browser.press("Delete 3 keys").await;
    inspector.look("selected-delete-error").await;
    inspector.browser.goto(&sealed).await;
    inspector.browser.reveal().await;
    inspector.visit("notes-empty", &format!("{sealed}/notes")).await;
    inspector.browser.press("Add note").await;
    inspector.look("notes-error").await;
    for note in ["Ask the warehouse before it goes.", &"x".repeat(200), "Two\nlines"] {
        inspector.browser.fill("note", note).await;
        inspector.browser.press("Add note").await;
    }
    inspector.look("notes").await;
    inspector.visit("detail-with-timeline", &sealed).await;
    inspector.browser.goto(LIST).await;
    inspector.visit("create-from", &format!("{LIST}/new?from={}", sealed.rsplit('/').next().expect("an id"))).await;
    inspector.browser.goto(&format!("{sealed}/delete")).await;
    inspector.browser.fill("name", &widest).await;
    inspector.browser.press("Delete key").await;
    inspector.visit("detail-tombstone", &sealed).await;
    inspector.done();
}
