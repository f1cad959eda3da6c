//! What is judged by looking at a page as a whole: barriers, width, targets, and its picture.

use std::path::PathBuf;

use serde_json::json;

use crate::browser::Browser;

impl Browser {
    /// The widths, in pixels, at which the page is wider than its window, or a box of it cuts off what it holds.
    pub async fn too_wide_at(&self, widths: &[u64]) -> Vec<u64> {
        let mut too_wide = Vec::new();
        for width in widths.iter().copied() {
            self.resize((width, 900)).await;
            if self.run(IS_TOO_WIDE, vec![json!(width)]).await != json!(false) {
                too_wide.push(width);
            }
        }
        self.resize(self.view.size()).await;
        too_wide
    }

    /// What a finger may miss: everything to press that is less than 44 pixels high or wide, save links in a sentence.
    pub async fn small_targets(&self) -> Vec<String> {
        let found = self.run(SMALL_TARGETS, vec![]).await;
        found.as_array().expect("a list").iter().map(|one| one.as_str().unwrap_or_default().to_owned()).collect()
    }

    /// Writes a picture of the whole page into `$KEYDESK_SCREENSHOTS`, if that is set.
    pub async fn screenshot(&self, name: &str) {
        if std::env::var_os("KEYDESK_SCREENSHOTS").is_none() {
            return;
        }
        self.draw(self.view.size(), &format!("{name}{}.png", self.view.suffix())).await;
        self.resize(self.view.size()).await;
    }

    /// Writes a picture of the whole page, in a window of that size or as high as the page.
    pub async fn draw(&self, (width, height): (u64, u64), file: &str) {
        self.resize((width, height)).await;
        let whole = self.run("return document.documentElement.scrollHeight", vec![]).await;
        self.resize((width, whole.as_u64().map_or(height, |whole| whole.max(height)))).await;
        self.picture_as(file).await;
    }

    /// Writes a picture of what the window shows into `$KEYDESK_SCREENSHOTS`.
    pub async fn picture_as(&self, file: &str) {
        let folder = std::env::var_os("KEYDESK_SCREENSHOTS").map(PathBuf::from);
        let folder = folder.expect("KEYDESK_SCREENSHOTS is the folder for pictures: run ./scripts/screenshots");
        let path = folder.join(file);
        let picture = self.client.screenshot().await.expect("the page can be drawn");
        std::fs::create_dir_all(&folder)
            .and_then(|()| std::fs::write(&path, picture))
            .unwrap_or_else(|error| panic!("{} cannot be written: {error}", path.display()));
    }

    /// What axe-core finds against WCAG 2.2 AA and best practice, one line for each fault and place; none is what a page should have.
    pub async fn barriers(&self) -> Vec<String> {
        assert!(self.view.javascript, "axe-core waits by timers, which do not run without JavaScript");
        let path = std::env::var("KEYDESK_AXE").expect("KEYDESK_AXE is the path of axe.min.js: run ./scripts/test");
        let axe = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path} cannot be read: {error}"));
        // It is half a megabyte: a page that has it keeps it.
        if self.run("return typeof axe", vec![]).await == json!("undefined") {
            self.run(&axe, vec![]).await;
        }
        let tags = json!(["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]);
        let answer = self.client.execute_async(RUN_AXE, vec![tags]).await.expect("axe-core runs to its end");
        assert!(answer["error"].is_null(), "axe-core failed: {}", answer["error"]);
        assert_ne!(answer["passes"], 0, "axe-core found nothing to look at");
        let faults = answer["faults"].as_array().expect("axe-core lists faults");
        faults.iter().map(|fault| fault.as_str().expect("a fault is a line").to_owned()).collect()
    }
}

const IS_TOO_WIDE: &str = "
    const cut = (box) => getComputedStyle(box).overflowX === 'clip' && box.scrollWidth > box.clientWidth + 1;
    return document.documentElement.scrollWidth > arguments[0] || [...document.querySelectorAll('main :not(input)')].some(cut);
";

/// The area that answers a finger is the element's, or its label's, or its summary's.
const SMALL_TARGETS: &str = "
    const small = [];
    for (const target of document.querySelectorAll('a[href], button, input:not([type=hidden]), select, textarea, summary')) {
        const inline = target.matches('p a, li p a, .hint a, dd a, td a:not(.btn), th a, .note p a, .trail a, h1 a, .error-summary a, aside a, .skip, .attention a');
        const area = target.closest('label') ?? target;
        if (inline || !target.checkVisibility({ visibilityProperty: true })) continue;
        const { width, height } = area.getBoundingClientRect();
        if (width > 1 && (height < 43.5 || width < 24)) {
            small.push(`${target.tagName} ${target.id || target.name || target.textContent.trim()}: ${width}x${height}`);
        }
    }
    return small;
";

const RUN_AXE: &str = "
    const [tags, done] = arguments;
    const places = (fault) => fault.nodes.map((node) =>
        `${fault.id}: ${fault.help}: ${node.target.join(' ')}: ${node.failureSummary}`);
    axe.run(document, { runOnly: { type: 'tag', values: tags }, resultTypes: ['violations'] }).then(
        (found) => done({ passes: found.passes.length, faults: found.violations.flatMap(places) }),
        (error) => done({ error: String(error) }));
";
