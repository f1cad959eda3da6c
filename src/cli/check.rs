//! `keydesk check`: every mistake and warning of product definitions and, if there is a database, which existing keys
//! the definition would not let be created any more. It changes nothing.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::Args;

use super::Failure;
use crate::clock::Clock;
use crate::config::Settings;
use crate::model::misfit::{LiveKey, Misfit, misfits};
use crate::product::{Definition, Product};
use crate::store::look::{Looked, look};
use crate::store::{Db, live_keys, secret_prefixes};

/// Keys that are named one by one.
const MOST_NAMED: usize = 50;

#[derive(Args)]
pub struct Check {
    /// Definitions. Default: the one that a start would take.
    files: Vec<PathBuf>,
}

pub async fn run(settings: &Settings, Check { files }: &Check) -> Result<(), Failure> {
    let default = [settings.product.clone()];
    let named: Vec<Option<&Path>> = match files.as_slice() {
        [] => default.iter().map(Option::as_deref).collect(),
        files => files.iter().map(|file| Some(file.as_path())).collect(),
    };
    let read: Vec<_> = named.into_iter().map(Definition::load).collect();
    let sound: Vec<&Definition> = read.iter().filter_map(|read| read.as_ref().ok()).collect();
    for definition in &read {
        match definition {
            Ok(definition) => say_sound(definition, &sound),
            Err(refused) => anstream::println!("{}\n", refused.styled()),
        }
    }
    if sound.len() < read.len() {
        let (refused, all) = (read.len() - sound.len(), read.len());
        return Err(if all == 1 {
            "it would not start".into()
        } else {
            format!("{refused} of {all} would not start").into()
        });
    }
    let [only] = sound.as_slice() else {
        println!("To compare a definition with the existing keys, check it alone.");
        return Ok(());
    };
    compare(settings, only).await
}

fn say_sound(definition: &Definition, all: &[&Definition]) {
    let others = all.iter().filter(|other| !std::ptr::eq(**other, definition));
    let prefixes = others.flat_map(|other| {
        other.product.secret_prefixes().into_iter().map(|prefix| (prefix, format!("in {}", other.file)))
    });
    let beside = definition.beside(&prefixes.collect::<Vec<_>>());
    for report in [&definition.warnings, &beside] {
        if report.count() > 0 {
            anstream::println!("{}\n", report.styled());
        }
    }
    println!("{} is sound.", definition.file);
}

/// Says what the definition does to what is there.
async fn compare(settings: &Settings, definition: &Definition) -> Result<(), Failure> {
    let upgrade = "Keys are compared once Keydesk has started with it.";
    match look(&settings.database_url()).await {
        Ok(Looked::Ready(db)) => {
            let seen = secret_prefixes::list(&db).await?;
            let own = definition.product.secret_prefixes();
            let others = seen.into_iter().filter(|prefix| !own.contains(prefix));
            let others: Vec<_> = others.map(|prefix| (prefix, "in the database".to_owned())).collect();
            let beside = definition.beside(&others);
            if beside.count() > 0 {
                anstream::println!("\n{}\n", beside.styled());
            }
            let stranded = Stranded::read(&db, &definition.product).await?;
            stranded.say();
            db.close().await;
        }
        Ok(Looked::Absent) => println!("There is no database yet, so there are no keys to compare it with."),
        Ok(Looked::Foreign) => {
            println!("The database holds nothing of Keydesk's, so there are no keys to compare it with.");
        }
        Ok(Looked::Older { found, known }) => {
            println!("The database has the schema {found}, and this Keydesk brings {known}. {upgrade}");
        }
        Ok(Looked::Newer { found, known }) => {
            println!("The database has the schema {found}; this Keydesk knows only {known} and compares no keys.");
        }
        Err(error) => println!("The database could not be asked about existing keys: {error}"),
    }
    Ok(())
}

/// Keys that the definition would not issue any more.
#[derive(Default)]
struct Stranded {
    of: usize,
    keys: usize,
    named: Vec<(LiveKey, Vec<Misfit>)>,
    by_reason: BTreeMap<&'static str, usize>,
}

impl Stranded {
    /// Goes through all keys, a page at a time.
    async fn read(db: &Db, product: &Product) -> sqlx::Result<Self> {
        let now = Clock::System.now();
        let mut found = Self::default();
        let (mut last, mut nth) = (None::<LiveKey>, 0);
        loop {
            let page = live_keys::page(db, last.as_ref()).await?;
            if page.is_empty() {
                return Ok(found);
            }
            for key in page {
                let is_same = last.as_ref().is_some_and(|last| last.account_id == key.account_id);
                nth = if is_same { nth + 1 } else { 1 };
                // One that has expired counts towards the limit, and nothing can strand it.
                if key.expires_at.is_none_or(|at| at > now) {
                    found.add(&key, misfits(&key, product, nth));
                }
                last = Some(key);
            }
        }
    }

    fn add(&mut self, key: &LiveKey, why: Vec<Misfit>) {
        self.of += 1;
        if why.is_empty() {
            return;
        }
        self.keys += 1;
        for misfit in &why {
            *self.by_reason.entry(misfit.reason()).or_default() += 1;
        }
        if self.named.len() < MOST_NAMED {
            self.named.push((key.clone(), why));
        }
    }

    fn say(&self) {
        let Self { of, keys, named, by_reason } = self;
        if *keys == 0 {
            match of {
                0 => println!("There are no keys yet."),
                1 => println!("The 1 existing key could be created again."),
                _ => println!("Of {}, all could be created again.", existing(*of)),
            }
            return;
        }
        println!("Of {}, {keys} could not be created any more. They keep working:\n", existing(*of));
        for (key, why) in named {
            let why: Vec<String> = why.iter().map(Misfit::to_string).collect();
            println!("  {} {:?} of {}: {}", key.id, key.name, key.account_id, why.join("; "));
        }
        if *keys > named.len() {
            println!("  … and {} more", keys - named.len());
        }
        println!();
        for (reason, count) in by_reason {
            println!("{count:>8} × {reason}");
        }
    }
}

fn existing(keys: usize) -> String {
    if keys == 1 { "1 existing key".into() } else { format!("{keys} existing keys") }
}
