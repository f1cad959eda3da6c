//! What some people need of a page, and a script can tell: order for those who hear it, text twice as large, colours of
//! their own, no motion, paper, and a focus that can be seen. Each answers what is missing, one line for each place.

use serde_json::{Value as Json, json};

use crate::browser::{Browser, Key};

/// Where text is doubled: a desk, a tablet, and a phone whose owner reads large letters.
const DOUBLED_AT: [u64; 4] = [1440, 820, 640, 390];

/// A4 upright and lying, less its margins.
const PAPER: [u64; 2] = [718, 1046];

impl Browser {
    /// What is out of order for those who walk a page by its headings and landmarks.
    pub async fn disorder(&self) -> Vec<String> {
        self.tell(DISORDER, vec![]).await
    }

    /// What still moves, though the person asked for no motion.
    pub async fn motion(&self) -> Vec<String> {
        self.tell(MOTION, vec![]).await
    }

    /// What is smaller than 24 by 24 pixels and stands in no sentence.
    pub async fn tiny_targets(&self) -> Vec<String> {
        self.tell(TINY_TARGETS, vec![]).await
    }

    /// Fields whose edge can hardly be seen on their ground (WCAG 1.4.11).
    pub async fn faint_fields(&self) -> Vec<String> {
        self.tell(FAINT_FIELDS, vec![]).await
    }

    /// Where the focus comes to and nobody sees it: no ring, or something lies above it.
    pub async fn unseen_focus(&self) -> Vec<String> {
        // After a key every focus is shown, also one that a script moves. From the last link Tab would leave the page.
        self.run("document.querySelector('a[href]').focus()", vec![]).await;
        self.strike(Key::Tab).await;
        self.tell(UNSEEN_FOCUS, vec![]).await
    }

    /// Texts that lie on each other.
    pub async fn overlaps(&self) -> Vec<String> {
        self.tell(OVERLAPS, vec![]).await
    }

    /// What is lost when text is twice as large (WCAG 1.4.4): pushed out of the window, cut off, or on other text.
    pub async fn lost_when_doubled(&self) -> Vec<String> {
        self.letters(32).await;
        let mut lost = Vec::new();
        for width in DOUBLED_AT {
            self.resize((width, 900)).await;
            for one in self.tell(CUT_OFF, vec![]).await.into_iter().chain(self.overlaps().await) {
                lost.push(format!("text doubled at {width}: {one}"));
            }
        }
        self.letters(16).await;
        self.resize(self.view.size()).await;
        lost
    }

    /// What can no longer be told apart where the system's few colours replace the page's, on white and on black, also
    /// for whoever once chose the other theme here.
    pub async fn lost_in_forced_colours(&self) -> Vec<String> {
        let mut lost = Vec::new();
        for (scheme, chosen) in [("light", "dark"), ("dark", "light")] {
            self.run("document.documentElement.dataset.theme = arguments[0]", vec![json!(chosen)]).await;
            let features = json!([
                { "name": "forced-colors", "value": "active" },
                { "name": "prefers-color-scheme", "value": scheme },
                { "name": "prefers-reduced-motion", "value": "reduce" },
            ]);
            self.emulate(json!({ "features": features })).await;
            for one in self.tell(FORCED_COLOURS, vec![]).await.into_iter().chain(self.unseen_focus().await) {
                lost.push(format!("colours forced, {scheme}: {one}"));
            }
        }
        self.run("delete document.documentElement.dataset.theme", vec![]).await;
        lost
    }

    /// What is wrong on paper: things to press, light text, tables that are cut off.
    pub async fn wrong_on_paper(&self) -> Vec<String> {
        let features = json!([{ "name": "prefers-color-scheme", "value": "dark" }]);
        self.emulate(json!({ "media": "print", "features": features })).await;
        let mut wrong = Vec::new();
        for width in PAPER {
            self.resize((width, 900)).await;
            for one in self.tell(PAPER_FAULTS, vec![]).await.into_iter().chain(self.tell(CUT_OFF, vec![]).await) {
                wrong.push(format!("on paper {width} wide: {one}"));
            }
        }
        self.emulate(json!({ "media": "" })).await;
        wrong
    }

    /// Fails where somebody who pressed a button or followed a link has lost their place: the focus is in the middle of
    /// nothing, or a form that was refused does not say so first.
    pub async fn keeps_its_reader(&self, after: &str) {
        let found = self.tell(LOST_PLACE, vec![json!(self.view.javascript)]).await;
        assert!(found.is_empty(), "after “{after}”, on {}: {}", self.path().await, found.join("; "));
    }

    /// Sets how high letters are, in pixels, as the browser's own settings do.
    async fn letters(&self, pixels: u8) {
        let sizes = json!({ "fontSizes": { "standard": pixels, "fixed": pixels } });
        self.devtools("Page.setFontSizes", sizes).await;
    }

    async fn emulate(&self, media: Json) {
        self.devtools("Emulation.setEmulatedMedia", media).await;
    }

    /// What a script found, one line for each place.
    async fn tell(&self, script: &str, arguments: Vec<Json>) -> Vec<String> {
        let found = self.run(&format!("{WORDS} {script}"), arguments).await;
        found.as_array().expect("a list").iter().map(|one| one.as_str().unwrap_or_default().to_owned()).collect()
    }
}

/// Shared by the scripts: which elements are to be seen, what they are called, colours as numbers.
const WORDS: &str = "
    const found = [];
    const called = (one) => `${one.localName}${one.id ? '#' + one.id : ''}${[...one.classList].map((name) => '.' + name).join('')} “${(one.ariaLabel ?? one.textContent).trim().replace(/\\s+/g, ' ').slice(0, 40)}”`;
    const shown = (one) => one.checkVisibility({ visibilityProperty: true }) && !one.closest('.vh, thead') && getComputedStyle(one).clipPath !== 'inset(50%)';
    const all = (css) => [...document.querySelectorAll(css)].filter(shown);
    const pen = Object.assign(document.createElement('canvas'), { width: 1, height: 1 }).getContext('2d', { willReadFrequently: true });
    const rgba = (colour) => { pen.clearRect(0, 0, 1, 1); pen.fillStyle = colour; pen.fillRect(0, 0, 1, 1); return [...pen.getImageData(0, 0, 1, 1).data]; };
    const light = (colour) => { const [r, g, b] = rgba(colour).map((part) => part / 255).map((part) => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
    const contrast = (one, other) => { const [dim, bright] = [light(one), light(other)].sort((a, b) => a - b); return (bright + 0.05) / (dim + 0.05); };
    const stops = 'a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex=\"0\"]';
";

/// What went wrong may be said before the page says its name.
const DISORDER: &str = "
    const headings = [...document.querySelectorAll('h1, h2, h3, h4, h5, h6')].filter((one) => one.checkVisibility());
    if (headings.filter((one) => one.matches('h1')).length !== 1) found.push('there is not one h1');
    let level = 0;
    for (const heading of headings) {
        const its = Number(heading.localName[1]);
        if (level === 0 && its === 2 && heading.closest('.error-summary')) continue;
        if (its > level + 1) found.push(`${called(heading)} comes after a heading of level ${level}`);
        level = its;
    }
    if (document.querySelectorAll('main').length !== 1 || !document.querySelector('main#main')) found.push('there is not one main');
    const names = [...document.querySelectorAll('nav')].map((nav) => nav.ariaLabel ?? document.getElementById(nav.getAttribute('aria-labelledby'))?.textContent);
    if (names.some((name) => !name?.trim()) || new Set(names).size !== names.length) found.push(`navs are called ${names.join(', ')}`);
    if (!document.documentElement.lang) found.push('the page has no language');
    if (!document.querySelector('.skip[href=\"#main\"]') || !document.body.firstElementChild.matches('.skip')) found.push('no skip link comes first');
    return found;
";

/// A page that comes whole is read from its top; a part of it only where its address says so, or what was asked for is
/// there to be copied. A refused form says so before any field, and with JavaScript has the focus there.
const LOST_PLACE: &str = "
    const focus = document.activeElement;
    const top = !focus || focus === document.body || focus === document.documentElement;
    if (top && scrollY > 0 && !location.hash) found.push('the page is scrolled, and nothing has the focus');
    if (!top && !(shown(focus) && focus.matches('.error-summary, [autofocus], main, :target, :target *'))) found.push(`${called(focus)} has the focus`);
    const summary = document.querySelector('main [role=alert]');
    if (performance.getEntriesByType('navigation')[0].responseStatus === 422) {
        if (!summary) return ['nothing says that the form was refused'];
        const field = document.querySelector('main :is(input:not([type=hidden]), select, textarea)');
        if (field && !(summary.compareDocumentPosition(field) & Node.DOCUMENT_POSITION_FOLLOWING)) found.push('a field comes before what was wrong with it');
        if (arguments[0] && focus !== summary) found.push('what was wrong does not have the focus');
        if (!document.title.startsWith('Error: ')) found.push('the title does not say that something is wrong');
    }
    return found;
";

const MOTION: &str = "
    for (const one of document.querySelectorAll('*')) {
        for (const part of ['', '::before', '::after']) {
            const style = getComputedStyle(one, part || null);
            if (style.animationName !== 'none') found.push(`${called(one)}${part} is animated`);
            if (style.transitionDuration.split(', ').some((time) => parseFloat(time) > 0)) found.push(`${called(one)}${part} has a transition`);
        }
    }
    return found;
";

/// WCAG 2.5.8: what stands in a sentence, or is one, may be as high as its line.
const TINY_TARGETS: &str = "
    for (const target of all(stops)) {
        const sentence = target.matches('a') && getComputedStyle(target).display === 'inline';
        const { width, height } = (target.closest('label') ?? target).getBoundingClientRect();
        if (!sentence && !target.matches('.skip') && width > 1 && (width < 23.5 || height < 23.5)) found.push(`${called(target)} is ${width} by ${height}`);
    }
    return found;
";

/// A field that cannot be changed, one whose whole panel is the key, and a filter with its arrow need no edge.
const FAINT_FIELDS: &str = "
    for (const field of all('input:not([type=hidden], [readonly], .code-tabs *), select:not(.quiet), textarea:not([readonly])')) {
        const { borderBottomColor, backgroundColor, appearance } = getComputedStyle(field);
        const ground = field.checked ? getComputedStyle(document.documentElement).backgroundColor : backgroundColor;
        if (appearance === 'none' || field.matches('.input')) if (contrast(borderBottomColor, ground) < 3) found.push(`${called(field)} has a faint edge`);
    }
    return found;
";

/// What an open menu lies on is seen again when the menu is closed.
const UNSEEN_FOCUS: &str = "
    const ring = (box) => {
        const { outlineStyle, outlineWidth, outlineColor } = getComputedStyle(box);
        return outlineStyle !== 'none' && parseFloat(outlineWidth) >= 2 && rgba(outlineColor)[3] > 200;
    };
    for (const stop of all(stops)) {
        stop.focus({ focusVisible: true });
        if (document.activeElement !== stop) { if (!stop.disabled) found.push(`${called(stop)} takes no focus`); continue; }
        const label = stop.closest('label');
        if (![stop, label].some((box) => box && ring(box))) found.push(`${called(stop)} has focus and no ring`);
        const box = stop.getClientRects()[0];
        const above = box && document.elementFromPoint(box.x + Math.min(box.width, innerWidth - box.x) / 2, box.y + Math.min(box.height, innerHeight - box.y) / 2);
        if (above?.closest('.row-menu[open] > div')) continue;
        if (!above || !(stop.contains(above) || above.contains(stop) || (label && label === above.closest('label')))) found.push(`${called(stop)} has focus under ${above ? called(above) : 'the edge'}`);
    }
    document.activeElement.blur();
    scrollTo(0, 0);
    return found;
";

/// What is wider than the window, or cut off by a box that does not scroll.
const CUT_OFF: &str = "
    const page = document.documentElement;
    if (page.scrollWidth > innerWidth) found.push(`the page is ${page.scrollWidth} wide`);
    for (const box of all('body *')) {
        const { overflowX, overflowY } = getComputedStyle(box);
        const cut = ['hidden', 'clip', ...(matchMedia('print').matches ? ['auto', 'scroll'] : [])];
        const field = box.matches('input, select, textarea, svg, svg *');
        if (!field && cut.includes(overflowX) && box.scrollWidth > box.clientWidth + 1) found.push(`${called(box)} is cut off`);
        if (!field && ['hidden', 'clip'].includes(overflowY) && box.scrollHeight > box.clientHeight + 1) found.push(`${called(box)} is cut off below`);
    }
    return found;
";

/// Two texts share a place when they share more than their lines' air. An open menu may lie on what is below it.
const OVERLAPS: &str = "
    const texts = [];
    const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walk.nextNode()) {
        const text = walk.currentNode, parent = text.parentElement;
        if (!text.data.trim() || parent.closest('select, textarea, script, template, .skip') || !shown(parent)) continue;
        const layer = parent.closest('.row-menu > div, .side-body, .contents');
        const scroller = parent.closest('pre, .tabs, .code-tabs')?.getBoundingClientRect();
        const range = document.createRange();
        range.selectNodeContents(text);
        for (const box of range.getClientRects()) {
            const left = Math.max(box.left, scroller?.left ?? -1e6), right = Math.min(box.right, scroller?.right ?? 1e6);
            if (right - left > 1) texts.push({ text, parent, layer, left, right, top: box.top, bottom: box.bottom });
        }
    }
    texts.sort((one, other) => one.top - other.top);
    texts.forEach((one, place) => {
        for (let next = place + 1; next < texts.length && texts[next].top < one.bottom; next++) {
            const other = texts[next];
            if (other.text === one.text || other.layer !== one.layer) continue;
            const high = Math.min(one.bottom, other.bottom) - other.top, wide = Math.min(one.right, other.right) - Math.max(one.left, other.left);
            if (wide > 2 && high > 0.4 * Math.min(one.bottom - one.top, other.bottom - other.top)) found.push(`${called(one.parent)} lies on ${called(other.parent)}`);
        }
    });
    return found;
";

const FORCED_COLOURS: &str = "
    if (!matchMedia('(forced-colors: active)').matches) return ['no colours are forced'];
    const ground = getComputedStyle(document.documentElement).backgroundColor;
    const plain = (colour) => rgba(colour)[3] > 200 && contrast(colour, ground) >= 3;
    const edge = (box) => {
        const style = getComputedStyle(box);
        return (style.borderBottomStyle !== 'none' && parseFloat(style.borderBottomWidth) >= 1 && plain(style.borderBottomColor))
            || (style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 1 && plain(style.outlineColor));
    };
    const native = (field) => getComputedStyle(field).appearance !== 'none';
    for (const box of all('.btn, .input, .select, .choice, .tag, .note, .panel, .seal, .error-summary, .attention, .row-menu > div, .card, .verdict, .status.pill')) if (!edge(box) && !native(box)) found.push(`${called(box)} has no edge`);
    for (const field of all('input:is([type=radio], [type=checkbox])')) {
        if (!native(field) && !edge(field)) found.push(`${called(field)} has no edge`);
        if (field.checked && !native(field) && !edge(field.closest('label') ?? field)) found.push(`${called(field)} is chosen and does not look so`);
    }
    for (const field of all('.code-tabs :checked')) if (!edge(field.closest('label'))) found.push(`${field.value} is chosen and does not look so`);
    for (const current of all('[aria-current]:not(.trail *)')) if (!edge(current)) found.push(`${called(current)} is the current one and does not look so`);
    for (const field of all('[aria-invalid=true]')) if (parseFloat(getComputedStyle(field).borderBottomWidth) < 2) found.push(`${called(field)} is wrong and does not look so`);
    for (const drawing of all('svg:not(.qr)')) {
        const painted = [drawing, ...drawing.querySelectorAll('*')].some((one) => {
            const { fill, stroke, color } = getComputedStyle(one);
            return [fill, stroke, one.localName === 'use' ? color : 'none'].some((paint) => paint !== 'none' && !paint.startsWith('url') && plain(paint));
        });
        if (!painted && drawing.children.length) found.push(`${called(drawing)} in ${called(drawing.parentElement)} cannot be seen`);
    }
    for (const drawing of all('.chart-bars :not(.grid, .axis, title), .share rect, .keys .c-use svg')) {
        const { fill, stroke } = getComputedStyle(drawing);
        if (![fill, stroke].some((paint) => paint !== 'none' && plain(paint))) found.push(`${called(drawing.closest('td, figure, dd, div'))} has bars that cannot be seen`);
    }
    for (const status of all('.status')) {
        const shape = getComputedStyle(status, '::before');
        const paints = [shape.backgroundColor, shape.borderBottomColor, ...(shape.backgroundImage.match(/(rgba?|color)\\([^)]*\\)/g) ?? [])];
        if (!paints.some(plain)) found.push(`${called(status)} has a shape that cannot be seen`);
    }
    return found;
";

const PAPER_FAULTS: &str = "
    if (light(getComputedStyle(document.documentElement).backgroundColor) < 0.99) found.push('the page is not white');
    for (const act of all('button, .btn, nav, .flash, .skip, .side, details:not([open]) > summary, .filters, .row-menu')) found.push(`${called(act)} is printed`);
    const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    const seen = new Set();
    while (walk.nextNode()) {
        const parent = walk.currentNode.parentElement;
        if (!walk.currentNode.data.trim() || seen.has(parent) || parent.closest('script, template') || !shown(parent)) continue;
        seen.add(parent);
        if (contrast(getComputedStyle(parent).color, '#fff') < 4.5) found.push(`${called(parent)} is too pale for white paper`);
    }
    return found;
";
