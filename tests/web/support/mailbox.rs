//! Everybody's mailbox: what the desk would have sent, read as its recipient reads it.

use std::sync::{Arc, Mutex, PoisonError};

use keydesk::jobs::mail::Route;

use crate::audit;

/// A mail that arrived.
#[derive(Clone, Debug)]
pub struct Mail {
    pub to: String,
    pub subject: String,
    pub text: String,
    pub html: String,
}

#[derive(Clone, Default)]
pub struct Mailbox(Arc<Mutex<Vec<Mail>>>);

impl Mailbox {
    pub fn route(&self) -> Route {
        let kept = self.0.clone();
        Route::Printed(Arc::new(move |to, letter, laid| {
            let (text, html) = (laid.text.clone(), laid.html.clone());
            let mail = Mail { to: to.into(), subject: letter.subject.clone(), text, html };
            if let Some(token) = mail.token() {
                audit::note(&token);
            }
            kept.lock().unwrap_or_else(PoisonError::into_inner).push(mail);
        }))
    }

    pub fn take(&self) -> Vec<Mail> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Mail {
    /// The path of the link in it, as a browser opens it.
    pub fn link(&self) -> String {
        let link = self.text.lines().find(|line| line.starts_with("http")).expect("a link");
        assert!(self.html.contains(&link.replace('&', "&#38;")), "both parts have the link");
        let path = link.split("://").nth(1).and_then(|rest| rest.find('/').map(|at| &rest[at..]));
        path.expect("a path").to_owned()
    }

    /// What the link holds.
    pub fn token(&self) -> Option<String> {
        self.text.split("?token=").nth(1)?.split_whitespace().next().map(str::to_owned)
    }
}
