//! Files that a page offers: their link is clicked like any other, and they are read once they are whole.

use std::path::Path;

use serde_json::json;

use crate::browser::Browser;

/// A file as the browser has kept it.
pub struct Download {
    pub name: String,
    pub text: String,
}

impl Browser {
    /// Clicks the link so labelled, which leads to a file and stays on the page, and answers the file.
    pub async fn download(&self, label: &str) -> Download {
        let folder = tempfile::tempdir().expect("a folder for the file can be made");
        let kept_there = json!({ "behavior": "allow", "downloadPath": folder.path() });
        self.devtools("Browser.setDownloadBehavior", kept_there).await;
        self.click(label).await;
        let mut kept = None;
        let whole = async || {
            kept = whole_file(folder.path());
            kept.is_some()
        };
        self.until(&format!("“{label}” to bring a file"), whole).await;
        kept.expect("the wait ended with a file")
    }
}

/// The file in the folder. While it is being written it has another name, hidden or with an ending of its own.
fn whole_file(folder: &Path) -> Option<Download> {
    let file = std::fs::read_dir(folder).expect("the folder is there").next()?.ok()?.path();
    let name = file.file_name()?.to_str()?.to_owned();
    if name.starts_with('.') || file.extension().is_some_and(|ending| ending == "crdownload") {
        return None;
    }
    // It may have got its last name since.
    let text = std::fs::read_to_string(&file).ok()?;
    (!text.is_empty()).then_some(Download { name, text })
}
