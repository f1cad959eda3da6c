//! `keydesk key list`, `create` and `delete`: the keys of one account, which is named by anybody in it. What the definition
//! allows holds here too; each change is in the account's audit log.

use super::New;
use crate::cli::Failure;
use crate::cli::serve::open;
use crate::config::Settings;
use crate::model::audit::Actor;
use crate::model::key_form::{KeyForm, NewKey, limit_reached, name_taken};
use crate::model::secret::Secret;
use crate::store::api_keys::{self, Issue, Issued};
use crate::store::key_filter::Filter;
use crate::store::key_list::{KeyList, Page, Sort};
use crate::store::{account_rules, users};
use crate::web::App;

/// Keys that are read at once.
const PAGE: i64 = 500;

pub async fn list(settings: &Settings, email: &str) -> Result<(), Failure> {
    let app = open(settings, settings.listen).await?;
    let account_id = account_of(&app, email).await?;
    let mut from = String::new();
    loop {
        let page = Page { sort: Sort::Created, descending: true, from: &from, backwards: false, limit: PAGE };
        let keys = KeyList::new(&app.db, &account_id, &Filter::default(), app.now()).page(page).read().await?.keys;
        for key in &keys {
            let (status, ends) = (key.status(app.now()), format!("{}…{}", key.prefix, key.last4));
            println!("{}\t{}\t{}\t{ends}\t{}", key.id, status.as_str(), key.environment, key.name);
        }
        match keys.last() {
            Some(last) if i64::try_from(keys.len()).is_ok_and(|read| read == PAGE) => from.clone_from(&last.id),
            _ => break,
        }
    }
    app.db.close().await;
    Ok(())
}

pub async fn create(settings: &Settings, new: New) -> Result<(), Failure> {
    let app = open(settings, settings.listen).await?;
    let account_id = account_of(&app, &new.email).await?;
    let new = valid(&app, &account_id, new).await?;
    let secret = Secret::generate(&app.product.secret_prefix(&new.environment), &app.entropy);
    let actor = Actor::machine("cli", "Command line");
    let issue = Issue { new: &new, secret: &secret, once: None, reveal: None };
    match api_keys::issue(&app.db, &app.act(&actor), &account_id, issue, app.product.keys.limit).await? {
        Issued::Key(id) | Issued::Before(id) => eprintln!("{id} is created. Its secret is shown one time:"),
        Issued::LimitReached => return Err(limit_reached(&app.product).into()),
        Issued::NameTaken | Issued::OtherRequest | Issued::InboxGone => {
            return Err(name_taken(&new.name, &app.product, &new.environment).into());
        }
    }
    // Whoever asked for it reads it here, as after a POST to the API; a pipe gets nothing else.
    println!("{}", secret.reveal());
    app.db.close().await;
    Ok(())
}

async fn valid(app: &App, account_id: &str, new: New) -> Result<NewKey, Failure> {
    let product = account_rules::key_lifetime(&app.db, account_id).await?.within(&app.product);
    let first = || product.environments.first().map(|first| first.id.clone()).unwrap_or_default();
    let form = KeyForm {
        key_type: "standard".into(),
        name: new.name,
        environment: new.environment.unwrap_or_else(first),
        by_id: true,
        preset: new.preset,
        expires: new
            .expires
            .unwrap_or_else(|| product.expiry.default_days.map_or("none".into(), |days| days.to_string())),
        ..KeyForm::default()
    };
    form.validate(&product, None, app.now()).map_err(|errors| {
        errors.iter().map(|(field, why)| format!("{field}: {why}")).collect::<Vec<_>>().join("\n").into()
    })
}

pub async fn delete(settings: &Settings, email: &str, id: &str) -> Result<(), Failure> {
    let app = open(settings, settings.listen).await?;
    let account_id = account_of(&app, email).await?;
    let key = api_keys::find(&app.db, &account_id, id).await?;
    let key = key.ok_or_else(|| format!("the account of {email} has no key with this id"))?;
    let actor = Actor::machine("cli", "Command line");
    let deleted = api_keys::delete(&app.db, &app.act(&actor), &key).await?;
    println!("{} {}", key.id, if deleted { "is deleted." } else { "was deleted before; nothing was changed." });
    app.db.close().await;
    Ok(())
}

pub(super) async fn account_of(app: &App, email: &str) -> Result<String, Failure> {
    let found = users::find_by_email(&app.db, email).await?;
    let (user, _) = found.ok_or_else(|| format!("nobody signs in with {email}"))?;
    Ok(user.account_id)
}
