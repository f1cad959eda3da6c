//! A Chromium that does what a person does: opens pages, fills fields, presses buttons, reads what is there.
//!
//! Nothing here sleeps for a fixed time: what takes a while is polled for, and given up with the page's text in the
//! message. Every page that is reached is scanned for what the secret audit must know.

use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use fantoccini::actions::{InputSource as _, KeyAction, KeyActions};
use fantoccini::elements::Element;
use fantoccini::error::{CmdError, ErrorStatus};
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value as Json, json};

use crate::audit;
use crate::driver::{DevTools, Driver};

pub use crate::view::View;
pub use fantoccini::key::Key;

/// Longer than anything here takes on a loaded machine: a wait that ends in it has failed.
pub const PATIENCE: Duration = Duration::from_secs(15);

/// The cookie of whoever is signed in, over plain http.
const SESSION: &str = "keydesk";

/// A browser with an empty profile, looking at one site; closed when dropped.
pub struct Browser {
    pub(crate) client: Client,
    driver: Driver,
    session: String,
    origin: String,
    pub(crate) view: View,
}

impl Browser {
    pub async fn open(origin: &str, view: View) -> Self {
        let driver = Driver::start();
        let client = ClientBuilder::new(HttpConnector::new())
            .capabilities(view.capabilities())
            .connect(&format!("http://127.0.0.1:{}", driver.port))
            .await
            .expect("Chromium opens");
        let session = client.session_id().await.expect("the driver answers").expect("the session has an id");
        let mut browser = Self { client, driver, session, origin: origin.to_owned(), view };
        browser.look(view).await;
        browser
    }

    /// Looks at the page that is open in another width or theme: a page that comes once cannot be opened again for it.
    pub async fn look(&mut self, view: View) {
        self.view = View { javascript: self.view.javascript, ..view };
        let theme = if view.dark { "dark" } else { "light" };
        // Without motion nothing is looked at halfway between two colours.
        let features = json!([
            { "name": "prefers-color-scheme", "value": theme },
            { "name": "prefers-reduced-motion", "value": "reduce" },
        ]);
        self.devtools("Emulation.setEmulatedMedia", json!({ "features": features })).await;
        self.devtools("Emulation.setTouchEmulationEnabled", json!({ "enabled": view.is_touched() })).await;
        self.resize(view.size()).await;
    }

    pub const fn view(&self) -> View {
        self.view
    }

    pub fn origin(&self) -> &str {
        &self.origin
    }

    pub(crate) async fn resize(&self, (width, height): (u64, u64)) {
        let metrics =
            json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": self.view.is_touched() });
        self.devtools("Emulation.setDeviceMetricsOverride", metrics).await;
    }

    /// Opens a path of the site.
    pub async fn goto(&self, path: &str) {
        let url = format!("{}{path}", self.origin);
        self.client.goto(&url).await.unwrap_or_else(|error| panic!("{url} does not open: {error}"));
        self.arrived().await;
    }

    /// Path and query of the page.
    pub async fn path(&self) -> String {
        let url = self.client.current_url().await.expect("the page has an address");
        url.query().map_or_else(|| url.path().to_owned(), |query| format!("{}?{query}", url.path()))
    }

    /// The HTTP status that the page came with.
    pub async fn status(&self) -> u64 {
        let status = self.run("return performance.getEntriesByType('navigation')[0].responseStatus", vec![]).await;
        status.as_u64().expect("the page came over HTTP")
    }

    /// What a person can read on the page.
    pub async fn text(&self) -> String {
        let body = self.client.find(Locator::Css("body")).await.expect("the page has a body");
        body.text().await.expect("the body has text")
    }

    /// The text of the page's one `h1`.
    pub async fn heading(&self) -> String {
        self.find("h1").await.text().await.expect("the heading has text")
    }

    /// Waits until a person can read `text` on the page.
    pub async fn see(&self, text: &str) {
        let visible = async || match self.client.find(Locator::Css("body")).await {
            Ok(body) => body.text().await.is_ok_and(|page| page.contains(text)),
            Err(_) => false,
        };
        self.until(&format!("“{text}” to be read"), visible).await;
    }

    /// The first visible element that `css` selects, waited for.
    pub async fn find(&self, css: &str) -> Element {
        self.visible(Locator::Css(css), css).await
    }

    /// Types into the field called `name`, in place of what stood there.
    pub async fn fill(&self, name: &str, value: &str) {
        let field = self.find(&format!(r#"[name="{name}"]:not([type="hidden"])"#)).await;
        match field.attr("type").await.expect("the field is there").as_deref() {
            // Keys typed into a date field mean what the machine's locale says; its value does not.
            Some("date") => {
                let field = serde_json::to_value(&field).expect("an element is a reference");
                self.run("arguments[0].value = arguments[1]", vec![field, json!(value)]).await;
            }
            kind => {
                if kind == Some("password") {
                    audit::note(value);
                }
                field.clear().await.expect("the field can be emptied");
                field.send_keys(value).await.expect("the field can be typed into");
            }
        }
    }

    /// Puts `value` into the hidden field called `name`, as time or malice would.
    pub async fn forge(&self, name: &str, value: &str) {
        let set = "document.querySelector(`[type=hidden][name=${arguments[0]}]`).value = arguments[1]";
        self.run(set, vec![json!(name), json!(value)]).await;
    }

    /// Picks `value` among the options, radio buttons or check boxes called `name`.
    pub async fn choose(&self, name: &str, value: &str) {
        let css = format!(r#"select[name="{name}"] option[value="{value}"], input[name="{name}"][value="{value}"]"#);
        let choice = self.client.find(Locator::Css(&css)).await.unwrap_or_else(|_| panic!("no {name} is {value}"));
        if choice.is_selected().await.expect("the choice is there") {
            return;
        }
        // A person aims at the words: the box itself may be drawn by the label.
        let id = choice.attr("id").await.expect("the choice is there").unwrap_or_default();
        let label = format!(r#"ancestor::label | //label[@for="{id}"]"#);
        let target = match choice.find(Locator::XPath(&label)).await {
            Ok(label) => label,
            Err(_) => choice.clone(),
        };
        target.click().await.unwrap_or_else(|error| panic!("{name} {value} cannot be clicked: {error}"));
        assert!(choice.is_selected().await.expect("the choice is there"), "{name} {value} does not stay chosen");
    }

    /// As [`Browser::choose`], where the choice itself leads to a page.
    pub async fn choose_and_leave(&self, name: &str, value: &str) {
        let css = format!(r#"select[name="{name}"] option[value="{value}"]"#);
        self.leave_by(Locator::Css(&css), value).await;
    }

    /// Presses the button so labelled and waits for the page it leads to.
    pub async fn press(&self, label: &str) {
        self.leave_by(Locator::XPath(&format!("//button[{}]", labelled(label))), label).await;
    }

    /// Follows the link so labelled and waits for the page it leads to.
    pub async fn follow(&self, label: &str) {
        self.leave_by(Locator::XPath(&format!("//a[{}]", labelled(label))), label).await;
    }

    /// Follows the link whose label starts so, as one that ends in a count, and waits for the page it leads to.
    pub async fn follow_starting(&self, label: &str) {
        let xpath = format!(r#"//a[starts-with(normalize-space(.), "{label}")]"#);
        self.leave_by(Locator::XPath(&xpath), label).await;
    }

    /// Follows the link so labelled again and again, until a person can read `text`.
    pub async fn follow_until(&self, label: &str, text: &str) {
        let xpath = format!("//a[{}]", labelled(label));
        let arrived = async || {
            if self.text().await.contains(text) {
                return true;
            }
            self.leave_by(Locator::XPath(&xpath), label).await;
            false
        };
        self.until(&format!("“{text}” to be read"), arrived).await;
    }

    /// Opens the page again and again, until a person can read `text`.
    pub async fn reload_until(&self, text: &str) {
        let arrived = async || {
            if self.text().await.contains(text) {
                return true;
            }
            self.reload().await;
            false
        };
        self.until(&format!("“{text}” to be read"), arrived).await;
    }

    /// Follows the first link that `css` selects, and waits for the page it leads to.
    pub async fn click_first(&self, css: &str) {
        self.leave_by(Locator::Css(css), css).await;
    }

    /// Clicks the button, menu or link so labelled, and stays on the page.
    pub async fn click(&self, label: &str) {
        let xpath = format!("//*[self::button or self::summary or self::a][{}]", labelled(label));
        let target = self.visible(Locator::XPath(&xpath), label).await;
        target.click().await.unwrap_or_else(|error| panic!("“{label}” cannot be clicked: {error}"));
    }

    /// Opens the menu of the row so named: a script does so in place, and without it the list comes again with it open.
    pub async fn open_menu(&self, name: &str) {
        let button = format!("Actions for {name}");
        if self.view().has_javascript() { self.click(&button).await } else { self.press(&button).await }
    }

    /// Whether whoever is signed in still is when the browser has been closed.
    pub async fn is_kept_signed_in(&self) -> bool {
        let cookies = self.client.get_all_cookies().await.expect("the browser has cookies");
        cookies.iter().any(|cookie| cookie.name() == SESSION && cookie.expires_datetime().is_some())
    }

    /// Forgets who is signed in, and every choice.
    pub async fn forget(&self) {
        self.client.delete_all_cookies().await.expect("cookies can be deleted");
    }

    /// Goes back one page, as the browser's own button does.
    pub async fn back(&self) {
        self.client.back().await.expect("the browser has a history");
        self.arrived().await;
    }

    /// Opens the page again, as the browser's own button does; a form that made it is sent again.
    pub async fn reload(&self) {
        self.client.refresh().await.expect("the page can be opened again");
        self.arrived().await;
    }

    /// Presses a key on whatever has the focus.
    pub async fn strike(&self, key: Key) {
        self.strike_together(&[], key).await;
    }

    /// Presses a key while others are held.
    pub async fn strike_together(&self, held: &[Key], key: Key) {
        let all = || held.iter().copied().chain([key]);
        let mut strokes = KeyActions::new("keyboard".into());
        for key in all() {
            strokes = strokes.then(KeyAction::Down { value: key.into() });
        }
        for key in all() {
            strokes = strokes.then(KeyAction::Up { value: key.into() });
        }
        self.client.perform_actions(strokes).await.expect("keys can be pressed");
    }

    /// Types into whatever has the focus.
    pub async fn type_in(&self, text: &str) {
        let mut strokes = KeyActions::new("keyboard".into());
        for value in text.chars() {
            strokes = strokes.then(KeyAction::Down { value }).then(KeyAction::Up { value });
        }
        self.client.perform_actions(strokes).await.expect("keys can be pressed");
    }

    /// Presses a key that leads to another page, and waits for that page.
    pub async fn strike_and_leave(&self, key: Key) {
        let page = self.client.find(Locator::Css("html")).await.expect("there is a page to leave");
        self.strike(key).await;
        self.until("the key to lead to a page", async || is_stale(page.tag_name().await)).await;
        self.arrived().await;
        self.keeps_its_reader(&format!("{key:?}")).await;
    }

    /// Presses Tab until the element that `css` selects has the focus.
    pub async fn tab_to(&self, css: &str) {
        for _ in 0..100 {
            if self.has_focus(css).await {
                return;
            }
            self.strike(Key::Tab).await;
        }
        panic!("Tab never reaches {css} on {}", self.path().await);
    }

    /// Whether the element that has the focus is one that `css` selects.
    pub async fn has_focus(&self, css: &str) -> bool {
        self.run("return document.activeElement.matches(arguments[0])", vec![json!(css)]).await == json!(true)
    }

    /// Waits until the element that `css` selects has the focus.
    pub async fn see_focus(&self, css: &str) {
        self.until(&format!("{css} to have the focus"), async || self.has_focus(css).await).await;
    }

    /// The texts of all visible elements that `css` selects.
    pub async fn texts(&self, css: &str) -> Vec<String> {
        let mut texts = Vec::new();
        for element in self.client.find_all(Locator::Css(css)).await.expect("the page can be searched") {
            if element.is_displayed().await.expect("the element is there") {
                texts.push(element.text().await.expect("the element has text").trim().to_owned());
            }
        }
        texts
    }

    /// What stands in the field called `name`.
    pub async fn value(&self, name: &str) -> String {
        let field = self.find(&format!(r#"[name="{name}"]:not([type="hidden"])"#)).await;
        field.prop("value").await.expect("the field is there").unwrap_or_default()
    }

    /// Whether `value` is chosen among the options, radio buttons or check boxes called `name`.
    pub async fn is_chosen(&self, name: &str, value: &str) -> bool {
        let css = format!(r#"select[name="{name}"] option[value="{value}"], input[name="{name}"][value="{value}"]"#);
        let choice = self.client.find(Locator::Css(&css)).await.unwrap_or_else(|_| panic!("no {name} is {value}"));
        choice.is_selected().await.expect("the choice is there")
    }

    /// The page's markup as it stands, with what a form on it holds.
    pub async fn source(&self) -> String {
        let fields = self.run("return [...document.querySelectorAll('textarea')].map((field) => field.value)", vec![]);
        format!("{} {}", self.client.source().await.expect("the page has a source"), fields.await)
    }

    pub async fn title(&self) -> String {
        self.client.title().await.expect("the page has a title")
    }

    async fn leave_by(&self, locator: Locator<'_>, label: &str) {
        let page = self.client.find(Locator::Css("html")).await.expect("there is a page to leave");
        let way_out = self.visible(locator, label).await;
        way_out.click().await.unwrap_or_else(|error| panic!("“{label}” cannot be clicked: {error}"));
        self.until(&format!("“{label}” to lead to a page"), async || is_stale(page.tag_name().await)).await;
        self.arrived().await;
        self.keeps_its_reader(label).await;
    }

    async fn arrived(&self) {
        for cookie in self.client.get_all_cookies().await.expect("the browser has cookies") {
            audit::note(cookie.value());
        }
        audit::note_secrets_in(&self.client.source().await.expect("the page has a source"));
        // A secret may be set in several elements that only together read as one word.
        audit::note_secrets_in(&self.text().await);
    }

    async fn visible(&self, locator: Locator<'_>, name: &str) -> Element {
        let mut found = None;
        let search = async || {
            for element in self.client.find_all(locator).await.unwrap_or_default() {
                if element.is_displayed().await.unwrap_or(false) {
                    found = Some(element);
                    return true;
                }
            }
            false
        };
        self.until(&format!("“{name}” to be there"), search).await;
        found.expect("the wait ended with an element")
    }

    pub(crate) async fn until(&self, what: &str, mut so: impl AsyncFnMut() -> bool) {
        let polling = async {
            let mut pace = tokio::time::interval(Duration::from_millis(25));
            while !so().await {
                pace.tick().await;
            }
        };
        let met = tokio::time::timeout(PATIENCE, polling).await.is_ok();
        assert!(met, "waited in vain for {what} on {}, which reads:\n{}", self.path().await, self.text().await);
    }

    pub(crate) async fn run(&self, script: &str, arguments: Vec<Json>) -> Json {
        self.client.execute(script, arguments).await.expect("the driver runs scripts of its own")
    }

    pub(crate) async fn devtools(&self, command: &'static str, parameters: Json) {
        let answer = self.client.issue_cmd(DevTools { command, parameters }).await;
        answer.unwrap_or_else(|error| panic!("{command} failed: {error}"));
    }

    /// Asks the driver to close Chromium, and waits until it has.
    fn close(&self) -> io::Result<()> {
        let mut driver = TcpStream::connect(("127.0.0.1", self.driver.port))?;
        driver.set_read_timeout(Some(PATIENCE))?;
        let path = format!("/session/{}", self.session);
        write!(driver, "DELETE {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")?;
        driver.read_exact(&mut [0])
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Without an answer Chromium still ends with its driver, but may write its profile once more.
        let _ = self.close();
    }
}

/// The XPath condition of an element that a person, or a screen reader, calls `label`.
fn labelled(label: &str) -> String {
    assert!(!label.contains('"'), "XPath has no way to quote a quote");
    format!(r#"normalize-space(.)="{label}" or @aria-label="{label}""#)
}

fn is_stale<T>(answer: Result<T, CmdError>) -> bool {
    matches!(answer, Err(CmdError::Standard(error)) if error.error == ErrorStatus::StaleElementReference)
}
