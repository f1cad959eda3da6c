//! Looks at a page as everybody who uses it may: axe-core finds nothing (WCAG 2.2 AA and its best practice) on any device
//! in either theme, nothing scrolls sideways, a finger finds its targets, the focus is seen, nothing moves unasked, text
//! may be twice as large, colours may be forced, paper is enough. Or takes pictures, for people to judge.

use std::fmt::Write as _;

use crate::browser::{Browser, View};
use crate::desk::Desk;
use crate::view::Device;

/// From a small phone, or a page at 400 %, to a desk.
const WIDTHS: [u64; 5] = [320, 390, 720, 1024, 1440];

/// Looks at pages and gathers what is wrong with them.
pub struct Inspector {
    pub browser: Browser,
    has_camera: bool,
    found: String,
}

impl Inspector {
    pub async fn open(desk: &Desk) -> Self {
        Self { browser: Browser::open(desk.origin(), View::WIDE).await, has_camera: false, found: String::new() }
    }

    /// One that photographs instead of judging, where `KEYDESK_SCREENSHOTS` asks for pictures.
    pub async fn with_camera(desk: &Desk) -> Self {
        Self { has_camera: std::env::var_os("KEYDESK_SCREENSHOTS").is_some(), ..Self::open(desk).await }
    }

    /// Looks at the page that is open.
    pub async fn look(&mut self, name: &str) {
        if self.has_camera {
            self.photograph(name).await;
        } else {
            self.judge(name).await;
        }
        self.browser.look(View::WIDE).await;
    }

    /// Photographs only what a desk's window shows; there is nothing more to judge about it.
    pub async fn look_through_window(&mut self, name: &str) {
        for (view, theme) in [(View::WIDE, "light"), (View::WIDE.dark(), "dark")] {
            self.browser.look(view).await;
            if self.has_camera {
                self.browser.picture_as(&format!("{name}-{theme}.png")).await;
            }
        }
    }

    async fn photograph(&mut self, name: &str) {
        for view in View::LOOKS {
            self.browser.look(view).await;
            let (width, theme) = (view.size().0, if view.dark { "dark" } else { "light" });
            self.browser.draw(view.size(), &format!("{name}-{width}-{theme}.png")).await;
        }
    }

    async fn judge(&mut self, name: &str) {
        for view in View::LOOKS {
            self.browser.look(view).await;
            let barriers = self.browser.barriers().await;
            self.note(&format!("{name}, {view:?}"), self.browser.faint_fields().await);
            let sees_small = barriers.is_empty() && !view.dark;
            self.note(&format!("{name}, {view:?}"), barriers);
            if sees_small {
                let small = match view.device {
                    Device::Desk => self.browser.tiny_targets().await,
                    Device::Phone => self.browser.small_targets().await,
                    Device::Tablet => self.small_targets_of_a_tablet().await,
                };
                self.note(&format!("{name}, {:?}: hard to hit", view.device), small);
            }
            self.browser.screenshot(name).await;
        }
        self.browser.look(View::WIDE).await;
        self.note(name, self.browser.disorder().await);
        self.note(name, self.browser.motion().await);
        self.note(name, self.browser.unseen_focus().await);
        self.note(name, self.browser.lost_when_doubled().await);
        for width in self.browser.too_wide_at(&WIDTHS).await {
            let _ = writeln!(self.found, "{name}: scrolls sideways at {width}");
        }
        self.note(name, self.browser.lost_in_forced_colours().await);
        self.note(name, self.browser.wrong_on_paper().await);
    }

    /// Upright and lying.
    async fn small_targets_of_a_tablet(&self) -> Vec<String> {
        let (width, height) = View::TABLET.size();
        let upright = self.browser.small_targets().await;
        self.browser.resize((height, width)).await;
        let lying = self.browser.small_targets().await;
        self.browser.resize((width, height)).await;
        upright.into_iter().chain(lying).collect()
    }

    fn note(&mut self, place: &str, faults: Vec<String>) {
        for fault in faults {
            let _ = writeln!(self.found, "{place}: {fault}");
        }
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
