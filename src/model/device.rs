//! What a user agent says of its device, in two words: enough to tell one's own laptop from a stranger's phone.

/// A device as its owner knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    /// `Firefox on macOS`
    pub name: String,
    /// The icon that stands for it: `laptop`, `phone` or `globe`.
    pub icon: &'static str,
}

/// What is looked for, the more special first: every browser also claims to be the ones before it.
const BROWSERS: [(&str, &str); 9] = [
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chromium/", "Chromium"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
    ("curl/", "curl"),
];
const SYSTEMS: [(&str, &str, bool); 8] = [
    ("iPhone", "iPhone", true),
    ("iPad", "iPad", true),
    ("Android", "Android", true),
    ("Windows", "Windows", false),
    ("Mac OS X", "macOS", false),
    ("CrOS", "ChromeOS", false),
    ("Linux", "Linux", false),
    ("FreeBSD", "FreeBSD", false),
];

impl Device {
    /// `over_api`: whoever signed in did so with a program.
    pub fn of(user_agent: &str, over_api: bool) -> Self {
        let browser = BROWSERS.iter().find(|(mark, _)| user_agent.contains(mark)).map(|(_, name)| *name);
        let system = SYSTEMS.iter().find(|(mark, ..)| user_agent.contains(mark));
        let name = match (browser, system) {
            (Some(browser), Some((_, system, _))) => format!("{browser} on {system}"),
            (Some(browser), None) => browser.to_owned(),
            (None, Some((_, system, _))) => (*system).to_owned(),
            (None, None) => "An unknown device".into(),
        };
        let icon = match system {
            _ if over_api => "globe",
            Some((_, _, true)) => "phone",
            _ => "laptop",
        };
        Self { name: if over_api { format!("{name}, over the API") } else { name }, icon }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_is_named_as_its_owner_would() {
        let mozilla = |rest: &str| Device::of(&format!("Mozilla/5.0 ({rest}"), false);
        for (agent, name, icon) in [
            ("Macintosh; Intel Mac OS X 10.15; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox on macOS", "laptop"),
            (
                "iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 Version/18.5 Mobile Safari/604.1",
                "Safari on iPhone",
                "phone",
            ),
            (
                "Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/138.0 Safari/537.36 Edg/138.0",
                "Edge on Windows",
                "laptop",
            ),
            ("Linux; Android 15) AppleWebKit/537.36 Chrome/138.0 Mobile Safari/537.36", "Chrome on Android", "phone"),
            ("something else)", "An unknown device", "laptop"),
        ] {
            assert_eq!(mozilla(agent), Device { name: name.into(), icon }, "{agent}");
        }
        let program = Device { name: "curl, over the API".into(), icon: "globe" };
        assert_eq!(Device::of("curl/8.14", true), program);
    }
}
