//! Looks at a page as everybody who uses it may: axe-core finds nothing (WCAG 2.2 AA) in either theme at either width,
//! nothing scrolls sideways, a finger finds its targets; and takes a picture of each, when `KEYDESK_SCREENSHOTS` asks
//! for them.

use std::fmt::Write as _;

use crate::browser::{Browser, View};
use crate::desk::Desk;

/// From a small phone, or a page at 400 %, to a desk.
const WIDTHS: [u64; 5] = [320, 390, 720, 1024, 1440];

/// Looks at pages and gathers what is wrong with them.
pub struct Inspector {
    pub browser: Browser,
    found: String,
}

impl Inspector {
    pub async fn open(desk: &Desk) -> Self {
        Self { browser: Browser::open(desk.origin(), View::WIDE).await, found: String::new() }
    }

    /// Looks at the page that is open.
    pub async fn look(&mut self, name: &str) {
        let before = self.found.len();
        for view in View::LOOKS {
            self.browser.look(view).await;
            for barrier in self.browser.barriers().await {
                let _ = writeln!(self.found, "{name}, {view:?}: {barrier}");
            }
            if view.is_phone() && self.found.len() == before {
                for target in self.browser.small_targets().await {
                    let _ = writeln!(self.found, "{name}: hard to hit: {target}");
                }
            }
            self.browser.screenshot(name).await;
        }
        for width in self.browser.too_wide_at(&WIDTHS).await {
            let _ = writeln!(self.found, "{name}: scrolls sideways at {width}");
        }
        self.browser.look(View::WIDE).await;
    }

    /// Opens a path and looks at it.
    pub async fn visit(&mut self, name: &str, path: &str) {
        self.browser.goto(path).await;
        self.look(name).await;
    }

    /// Fails if anything was found.
    pub fn done(self) {
        assert!(self.found.is_empty(), "{}", self.found);
    }
}
