//! How a mail looks: the same letter as text and as HTML, without pictures, trackers or anything from elsewhere.

use askama::Template;

use crate::jobs::mail::Laid;
use crate::model::letter::Letter;

#[derive(Template)]
#[template(path = "mail/letter.html")]
struct Html<'a> {
    letter: &'a Letter,
    brand: &'a str,
}

/// Lays a letter out.
pub fn lay_out(letter: &Letter, brand: &str) -> Laid {
    let html = Html { letter, brand }.render().expect("a letter has nothing that fails to render");
    Laid { text: text(letter, brand), html }
}

/// The paragraphs with a blank line between two, which a template would take out.
fn text(letter: &Letter, brand: &str) -> String {
    let button = letter.button.as_ref().map(|button| format!("{}:\n{}", button.label, *button.link));
    let paragraphs = letter.paragraphs.iter().cloned().chain(button);
    let all: Vec<String> = paragraphs.chain([letter.closing.clone(), brand.to_owned()]).collect();
    all.join("\n\n") + "\n"
}

#[cfg(test)]
mod tests {
    use zeroize::Zeroizing;

    use super::*;
    use crate::model::letter::Button;

    #[test]
    fn both_layouts_say_the_same_and_neither_lets_a_name_become_markup() {
        let letter = Letter {
            subject: "A subject".into(),
            paragraphs: vec!["First & <b>foremost</b>.".into(), "Second.".into()],
            button: Some(Button { label: "Do it", link: Zeroizing::new("https://k.example/x?token=t".to_owned()) }),
            closing: "Ignore it otherwise.".into(),
        };
        let Laid { text, html } = lay_out(&letter, "A <Brand>");
        for part in ["Second.", "Do it", "https://k.example/x?token=t", "Ignore it otherwise."] {
            assert!(text.contains(part) && html.contains(part), "{part}: {text} {html}");
        }
        assert!(text.contains("First & <b>foremost</b>.") && text.contains("A <Brand>"));
        assert!(!html.contains("<b>foremost") && !html.contains("<Brand>"), "{html}");
        assert!(!html.contains("<img") && !html.contains("src="), "{html}");
        assert!(text.lines().all(|line| line.len() <= 998), "RFC 5322, section 2.1.1");
    }
}
