//! `keydesk key import`: a key for each row of a CSV file, such as the export of another desk. A secret is never in such a
//! file, so each key has a new one, said this once. Every mistake of the file is named with its line, and then none is made.

use std::io;
use std::path::Path;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::of_account::account_of;
use crate::cli::Failure;
use crate::cli::serve::open;
use crate::config::Settings;
use crate::model::audit::Actor;
use crate::model::inbox::Inbox;
use crate::model::key_form::{KeyForm, NewKey, limit_reached, name_taken};
use crate::model::secret::Secret;
use crate::model::text::count;
use crate::product::Product;
use crate::store::api_keys::{self, Issue, Issued};
use crate::store::{account_rules, inboxes};
use crate::web::App;
use crate::web::spreadsheet::plain;

/// More inboxes than an account is expected to have.
const MOST_INBOXES: i64 = 100_000;

pub async fn run(settings: &Settings, email: &str, file: &Path) -> Result<(), Failure> {
    let text = if file.as_os_str() == "-" { io::read_to_string(io::stdin()) } else { std::fs::read_to_string(file) };
    let text = text.map_err(|error| format!("cannot read {}: {error}", file.display()))?;
    let app = open(settings, settings.listen).await?;
    let account_id = account_of(&app, email).await?;
    // A line that ends in CRLF would be counted late.
    let keys = read(&app, &account_id, &text.replace("\r\n", "\n")).await?;
    let mut made = csv::Writer::from_writer(io::stdout());
    made.write_record(["id", "name", "secret"])?;
    let (all, mut refused) = (keys.len() as u64, Vec::new());
    for (line, new) in keys {
        let secret = Secret::generate(&app.product.secret_prefix(&new.environment), &app.entropy);
        match issue(&app, &account_id, &new, &secret).await? {
            Ok(id) => {
                made.write_record([&id, plain(&new.name).as_ref(), secret.reveal()])?;
                made.flush()?;
            }
            Err(why) => refused.push(format!("line {line}: {why}")),
        }
    }
    app.db.close().await;
    let done = count(all - refused.len() as u64, "key is created", "keys are created");
    if refused.is_empty() {
        eprintln!("{done}.");
        return Ok(());
    }
    Err(format!("{}\n{done}, and the others are not.", refused.join("\n")).into())
}

async fn issue(app: &App, account_id: &str, new: &NewKey, secret: &Secret) -> Result<Result<String, String>, Failure> {
    let actor = Actor::machine("cli", "Command line");
    let issue = Issue { new, secret, once: None, reveal: None };
    Ok(match api_keys::issue(&app.db, &app.act(&actor), account_id, issue, app.product.keys.limit).await? {
        Issued::Key(id) | Issued::Before(id) => Ok(id),
        Issued::LimitReached => Err(limit_reached(&app.product)),
        Issued::InboxGone => Err("its inbox was deleted just now".into()),
        Issued::NameTaken | Issued::OtherRequest => Err(name_taken(&new.name, &app.product, &new.environment)),
    })
}

/// What the file asks for, with the line of each.
async fn read(app: &App, account_id: &str, text: &str) -> Result<Vec<(u64, NewKey)>, Failure> {
    let product = account_rules::key_lifetime(&app.db, account_id).await?.within(&app.product);
    let inboxes = inboxes::list(&app.db, account_id, "", "", MOST_INBOXES).await?;
    let mut file = csv::ReaderBuilder::new().trim(csv::Trim::All).flexible(true).from_reader(text.as_bytes());
    let headings = file.headers()?.clone();
    if !headings.iter().any(|heading| heading == "name") {
        return Err("the first line names the columns, and one of them is name".into());
    }
    let (mut keys, mut mistakes) = (Vec::new(), Vec::new());
    for row in file.records() {
        let row = row?;
        let line = row.position().map_or(0, csv::Position::line);
        let cell = |name: &str| {
            let place = headings.iter().position(|heading| heading == name);
            place.and_then(|place| row.get(place)).unwrap_or_default()
        };
        // What is over is not brought to life again.
        if matches!(cell("status"), "deleted" | "expired") {
            continue;
        }
        let named = |listed: &&inboxes::Listed| listed.id == cell("inbox_id") || listed.name == cell("inbox");
        let inbox = match inboxes.iter().find(named) {
            Some(listed) => inboxes::find(&app.db, account_id, &listed.id).await?,
            None => None,
        };
        match valid(&product, cell, inbox.as_ref(), app) {
            Ok(new) => keys.push((line, new)),
            Err(why) => mistakes.extend(why.into_iter().map(|why| format!("line {line}: {why}"))),
        }
    }
    if mistakes.is_empty() { Ok(keys) } else { Err(format!("{}\nNothing was created.", mistakes.join("\n")).into()) }
}

fn valid<'a>(
    product: &Product,
    cell: impl Fn(&str) -> &'a str,
    inbox: Option<&Inbox>,
    app: &App,
) -> Result<NewKey, Vec<String>> {
    let or = |value: &str, otherwise: &str| if value.is_empty() { otherwise.to_owned() } else { value.to_owned() };
    let first = product.environments.first().map_or("", |first| first.id.as_str());
    let is_bound = !cell("inbox").is_empty() || !cell("inbox_id").is_empty();
    let kind = if is_bound { "restricted" } else { "standard" };
    if is_bound && cell("type") == "standard" {
        return Err(vec!["inbox: a standard key is bound to none; it would reach them all".into()]);
    }
    let expiry = cell("expires_at");
    let exact = OffsetDateTime::parse(expiry, &Rfc3339).ok().map(Into::into);
    let form = KeyForm {
        key_type: or(cell("type"), kind),
        // What was made plain for a spreadsheet reads as it did before.
        name: cell("name").strip_prefix('\'').unwrap_or(cell("name")).to_owned(),
        environment: or(cell("environment"), first),
        by_id: true,
        preset: if product.keys.choose_scopes { "custom".into() } else { String::new() },
        scopes: cell("scopes").split_whitespace().map(str::to_owned).collect(),
        expires: if expiry.is_empty() { "none".into() } else { String::new() },
        expires_on: if exact.is_some() { String::new() } else { expiry.to_owned() },
        expires_at: exact,
        allowed_ips: cell("allowed_ips").split_whitespace().collect::<Vec<_>>().join("\n"),
        ..KeyForm::default()
    };
    form.validate(product, inbox, app.now())
        .map_err(|errors| errors.iter().map(|(field, why)| format!("{field}: {why}")).collect())
}
