//! How a page is looked at: width, theme, with JavaScript or without.

use fantoccini::wd::Capabilities;
use serde_json::json;

/// What the page is looked at with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Device {
    /// 1440 × 900 and a mouse.
    Desk,
    /// 820 × 1180 and fingers.
    Tablet,
    /// 390 × 844 and fingers.
    Phone,
}

/// How the page is looked at.
#[derive(Clone, Copy, Debug)]
pub struct View {
    pub device: Device,
    pub dark: bool,
    pub javascript: bool,
}

impl View {
    /// On a desk, light, with JavaScript.
    pub const WIDE: Self = Self { device: Device::Desk, dark: false, javascript: true };

    pub const TABLET: Self = Self { device: Device::Tablet, ..Self::WIDE };

    pub const PHONE: Self = Self { device: Device::Phone, ..Self::WIDE };

    /// Every device in both themes: what every page must look right in.
    pub const LOOKS: [Self; 6] =
        [Self::WIDE, Self::WIDE.dark(), Self::TABLET, Self::TABLET.dark(), Self::PHONE, Self::PHONE.dark()];

    pub const fn dark(self) -> Self {
        Self { dark: true, ..self }
    }

    pub const fn without_javascript(self) -> Self {
        Self { javascript: false, ..self }
    }

    pub const fn is_phone(self) -> bool {
        matches!(self.device, Device::Phone)
    }

    /// Whether it is touched with fingers.
    pub const fn is_touched(self) -> bool {
        !matches!(self.device, Device::Desk)
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
        match self.device {
            Device::Desk => (1440, 900),
            Device::Tablet => (820, 1180),
            Device::Phone => (390, 844),
        }
    }

    /// The suffix of a screenshot's name.
    pub fn suffix(self) -> String {
        let device = [(self.is_phone(), "-phone"), (self.device == Device::Tablet, "-tablet")];
        let parts = device.into_iter().chain([(self.dark, "-dark"), (!self.javascript, "-no-js")]);
        parts.filter_map(|(so, part)| so.then_some(part)).collect()
    }
}
