//! How a page is looked at: width, theme, with JavaScript or without.

use fantoccini::wd::Capabilities;
use serde_json::json;

/// How the page is looked at.
#[derive(Clone, Copy, Debug)]
pub struct View {
    pub phone: bool,
    pub dark: bool,
    pub javascript: bool,
}

impl View {
    /// 1440 × 900, light, with JavaScript.
    pub const WIDE: Self = Self { phone: false, dark: false, javascript: true };

    /// 390 × 844, touch, light, with JavaScript.
    pub const PHONE: Self = Self { phone: true, ..Self::WIDE };

    /// Both widths in both themes: what every page must look right in.
    pub const LOOKS: [Self; 4] = [Self::WIDE, Self::WIDE.dark(), Self::PHONE, Self::PHONE.dark()];

    pub const fn dark(self) -> Self {
        Self { dark: true, ..self }
    }

    pub const fn without_javascript(self) -> Self {
        Self { javascript: false, ..self }
    }

    pub const fn is_phone(self) -> bool {
        self.phone
    }

    pub const fn has_javascript(self) -> bool {
        self.javascript
    }

    pub fn capabilities(self) -> Capabilities {
        let arguments = [
            "--headless=new",
            // As root, which CI is, Chromium starts only without its sandbox; it sees no pages but ours.
            "--no-sandbox",
            "--disable-gpu",
            "--hide-scrollbars",
            "--disable-dev-shm-usage",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            // Over a pipe, Chromium ends when its driver does, however the driver ends.
            "--remote-debugging-pipe",
        ];
        let preferences = if self.javascript {
            json!({})
        } else {
            json!({ "profile.managed_default_content_settings.javascript": 2 })
        };
        let mut capabilities = Capabilities::new();
        capabilities.insert("goog:chromeOptions".into(), json!({ "args": arguments, "prefs": preferences }));
        capabilities
    }

    pub const fn size(self) -> (u64, u64) {
        if self.phone { (390, 844) } else { (1440, 900) }
    }

    /// The suffix of a screenshot's name.
    pub fn suffix(self) -> String {
        let parts = [(self.phone, "-phone"), (self.dark, "-dark"), (!self.javascript, "-no-js")];
        parts.into_iter().filter_map(|(so, part)| so.then_some(part)).collect()
    }
}
