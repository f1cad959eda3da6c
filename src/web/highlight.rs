//! Colours for code samples: comments, strings and keywords, the same few rules for every language.

const KEYWORDS: &[&str] = &["await", "const", "import", "require", "var", "if", "new", "return"];

/// A run of characters and the class it is drawn in; empty for plain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    pub class: &'static str,
    pub text: String,
}

/// Cuts a sample into spans; put together again they are the sample.
pub fn spans(code: &str) -> Vec<Span> {
    let mut spans: Vec<Span> = Vec::new();
    let mut rest = code;
    while !rest.is_empty() {
        let (class, length) = next(rest, spans.last().is_none_or(|span| span.text.ends_with('\n')));
        let (text, after) = rest.split_at(length);
        match spans.last_mut() {
            Some(last) if last.class == class => last.text.push_str(text),
            _ => spans.push(Span { class, text: text.into() }),
        }
        rest = after;
    }
    spans
}

/// The class and length of what `rest` starts with.
fn next(rest: &str, line_start: bool) -> (&'static str, usize) {
    let first = rest.chars().next().unwrap_or('\n');
    match first {
        '#' if line_start => ("c", rest.find('\n').unwrap_or(rest.len())),
        '"' | '`' => ("s", string_length(rest, first)),
        c if c.is_alphanumeric() || c == '_' => {
            let length = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
            (if KEYWORDS.contains(&&rest[..length]) { "k" } else { "" }, length)
        }
        c => ("", c.len_utf8()),
    }
}

/// To the closing quote. A `#{…}` inside (Ruby) may hold quotes of its own.
fn string_length(rest: &str, quote: char) -> usize {
    let mut depth = 0;
    for (index, c) in rest.char_indices().skip(1) {
        match c {
            '{' if rest[..index].ends_with('#') => depth += 1,
            '}' if depth > 0 => depth -= 1,
            '\n' => return index,
            c if c == quote && depth == 0 => return index + c.len_utf8(),
            _ => {}
        }
    }
    rest.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_strings_and_keywords_are_told_apart_and_nothing_is_lost() {
        let code = "# a comment\nconst x = \"y #{z[\"k\"]}\";";
        let spans = spans(code);
        assert_eq!(spans.iter().map(|span| span.text.as_str()).collect::<String>(), code);
        let of = |class| spans.iter().find(|span| span.class == class).map(|span| span.text.as_str());
        assert_eq!(of("c"), Some("# a comment"));
        assert_eq!(of("k"), Some("const"));
        assert_eq!(of("s"), Some("\"y #{z[\"k\"]}\""));
    }
}
