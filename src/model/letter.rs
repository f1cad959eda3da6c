//! A letter: what is mailed, before it has a layout. Its words come from here and from the product; a link that opens
//! something is in it and nowhere else.

use zeroize::Zeroizing;

/// One mail.
#[derive(Clone, Debug)]
pub struct Letter {
    pub subject: String,
    /// The paragraphs above the button.
    pub paragraphs: Vec<String>,
    pub button: Option<Button>,
    /// What to do if this mail was not expected.
    pub closing: String,
}

/// Where the letter leads.
#[derive(Clone)]
pub struct Button {
    pub label: &'static str,
    pub link: Zeroizing<String>,
}

impl std::fmt::Debug for Button {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Button({})", self.label)
    }
}
