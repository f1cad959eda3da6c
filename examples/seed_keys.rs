//! Fills a data directory for `scripts/bench` with as many keys as it is told, in bulk: the rows are those that
//! `store::api_keys` writes for keys made over the API, audit chain and all, only many to a transaction. SQLite only.
//!
//! The secrets go to files of mode 0600 in `--out`, one a line with the id of an inbox of its account behind it: `live`,
//! `deleted` and `restricted` keys, and `garbage` (a wrong checksum) and `unknown` (a right one) that are nobody's.

mod bulk;

use std::fs::{File, OpenOptions};
use std::io::{BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Parser;
use keydesk::clock::{Clock, Timestamp};
use keydesk::config::Settings;
use keydesk::entropy::Entropy;
use keydesk::model::audit::{Action, Actor, AuditEvent};
use keydesk::model::inbox::Inbox;
use keydesk::model::keyring::Keyring;
use keydesk::model::secret::Secret;
use keydesk::model::text::fold;
use keydesk::model::user::User;
use keydesk::store::accounts::{self, SignUp, WayIn};
use keydesk::store::{Act, Db, Engine, inboxes};
use sqlx::{QueryBuilder, Sqlite};

use bulk::{AT_ONCE, NAMES, audit};

type Failure = Box<dyn std::error::Error>;

const KEYS_OF_ACCOUNT: usize = 100;
const MOST_ACCOUNTS: usize = 1000;
const MINUTE: Duration = Duration::from_secs(60);
/// Secrets that are nobody's, of each sort.
const STRANGERS: usize = 20_000;

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    settings: Settings,
    /// Folder for the secrets.
    #[arg(long)]
    out: PathBuf,
    /// Standard keys that work.
    #[arg(long)]
    live: usize,
    /// Standard keys that were deleted.
    #[arg(long, default_value_t = 0)]
    deleted: usize,
    /// Keys bound to an inbox.
    #[arg(long, default_value_t = 0)]
    restricted: usize,
}

#[derive(Clone, Copy, PartialEq)]
enum Sort {
    Live,
    Deleted,
    Restricted,
}

/// What every row is made with.
struct Desk {
    db: Db,
    keyring: Keyring,
    prefix: String,
    environment: String,
    at: Timestamp,
    installation_id: String,
}

/// An account whose keys are being made: whose they are, and the head of its audit chain.
struct Owner {
    user: User,
    actor: Actor,
    inbox_id: String,
    seq: i64,
    mac: String,
}

struct Row {
    id: String,
    name: String,
    sort: Sort,
    secret: Secret,
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let Line { settings, out, live, deleted, restricted } = Line::parse();
    let product = settings.product()?;
    settings.make_data_dir()?;
    let db = Db::open(&settings.database_url()).await?;
    let Engine::Sqlite { writer, .. } = &db.engine else { return Err("only SQLite is filled in bulk".into()) };
    // What a power cut would lose is seeded again.
    sqlx::raw_sql("pragma synchronous = off; pragma wal_autocheckpoint = 200000; pragma cache_size = -500000")
        .execute(writer)
        .await?;
    let at = Clock::System.now();
    let environment = product.environments.last().map_or(String::new(), |environment| environment.id.clone());
    let mut desk = Desk {
        keyring: settings.secret_file(&Entropy::System)?.newest(),
        prefix: product.secret_prefix(&environment),
        environment,
        at,
        installation_id: db.installation_id(&Entropy::System, at).await?,
        db,
    };
    let sorts =
        [(Sort::Live, "live", live), (Sort::Deleted, "deleted", deleted), (Sort::Restricted, "restricted", restricted)];
    let mut files = Vec::new();
    for (_, name, _) in sorts {
        files.push(private(&out, name)?);
    }
    let accounts = (live / KEYS_OF_ACCOUNT).clamp(1, MOST_ACCOUNTS);
    for number in 0..accounts {
        // One after the other, as they come in a life.
        desk.at = at - MINUTE * u32::try_from(accounts - number)?;
        let mut owner = open_account(&desk, number).await?;
        let mut rows = Vec::new();
        for ((sort, name, all), file) in sorts.iter().zip(&mut files) {
            let (from, to) = (all * number / accounts, all * (number + 1) / accounts);
            for index in from..to {
                let secret = Secret::generate(&desk.prefix, &Entropy::System);
                writeln!(file, "{} {}", secret.reveal(), owner.inbox_id)?;
                rows.push(Row { id: Entropy::System.id("key"), name: format!("{name}-{index}"), sort: *sort, secret });
            }
        }
        insert(&desk, &mut owner, &rows).await?;
    }
    for mut file in files {
        file.flush()?;
    }
    strangers(&desk, &out)?;
    desk.db.close().await;
    println!("{live} live, {deleted} deleted and {restricted} restricted keys in {accounts} accounts");
    Ok(())
}

fn private(folder: &Path, name: &str) -> std::io::Result<BufWriter<File>> {
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(folder.join(name))?;
    Ok(BufWriter::new(file))
}

/// An account with its administrator and one inbox, made as a sign-up makes it.
async fn open_account(desk: &Desk, number: usize) -> Result<Owner, Failure> {
    let visitor = Actor { kind: "visitor".into(), ip: "192.0.2.1".into(), ..Actor::default() };
    let act = desk.act(&visitor);
    let email = format!("admin-{number}@bench.example");
    // No password has this hash: nobody signs in here.
    let sign_up = SignUp { account_name: "Bench", email: &email, name: "Bench", way_in: WayIn::Password("-") };
    let user = accounts::sign_up(&desk.db, &act, sign_up, None).await?.ok_or("this data directory is in use")?;
    let actor = visitor.as_user(&user, "");
    let inbox = Inbox {
        id: Entropy::System.id("inb"),
        account_id: user.account_id.clone(),
        name: "Orders".into(),
        address: format!("orders-{number}@bench.example"),
        created_at: desk.at,
    };
    inboxes::create(&desk.db, &desk.act(&actor), &inbox, None).await?;
    let Engine::Sqlite { readers, .. } = &desk.db.engine else { return Err("only SQLite is filled in bulk".into()) };
    let (seq, mac) = sqlx::query_as("select audit_seq, audit_mac from accounts where id = $1")
        .bind(&user.account_id)
        .fetch_one(readers)
        .await?;
    Ok(Owner { user, actor, inbox_id: inbox.id, seq, mac })
}

/// What `store::api_keys::issue` writes for each, and `delete` for those that are gone, in one transaction.
async fn insert(desk: &Desk, owner: &mut Owner, rows: &[Row]) -> Result<(), Failure> {
    const HEAD: &str = "update accounts set audit_seq = $2, audit_mac = $3 where id = $1";
    let Engine::Sqlite { writer, .. } = &desk.db.engine else { return Err("only SQLite is filled in bulk".into()) };
    let mut tx = writer.begin_with("begin immediate").await?;
    for rows in rows.chunks(AT_ONCE) {
        let events: Vec<AuditEvent> = rows.iter().flat_map(|row| owner.events(desk, row)).collect();
        for mut statement in
            [keys(desk, owner, rows), secrets(desk, rows)].into_iter().chain(events.chunks(AT_ONCE).map(audit))
        {
            statement.build().execute(&mut *tx).await?;
        }
    }
    sqlx::query(HEAD).bind(&owner.user.account_id).bind(owner.seq).bind(&owner.mac).execute(&mut *tx).await?;
    sqlx::query(NAMES).bind(&owner.user.account_id).execute(&mut *tx).await?;
    Ok(tx.commit().await?)
}

fn keys(desk: &Desk, owner: &Owner, rows: &[Row]) -> QueryBuilder<Sqlite> {
    const INSERT: &str = "
        insert into api_keys (
            id, account_id, name, name_folded, key_type, environment, inbox_id, scopes, allowed_ips,
            prefix, last4, created_at, created_by, deleted_at, deleted_by
        ) ";
    let mut statement = QueryBuilder::new(INSERT);
    statement.push_values(rows, |mut values, row| {
        let (restricted, deleted) = (row.sort == Sort::Restricted, row.sort == Sort::Deleted);
        values
            .push_bind(row.id.clone())
            .push_bind(owner.user.account_id.clone())
            .push_bind(row.name.clone())
            .push_bind(fold(&row.name))
            .push_bind(if restricted { "restricted" } else { "standard" })
            .push_bind(desk.environment.clone())
            .push_bind(restricted.then(|| owner.inbox_id.clone()))
            .push_bind("mail:send mail:read")
            .push_bind("")
            .push_bind(desk.prefix.clone())
            .push_bind(row.secret.last4().to_owned())
            .push_bind(desk.at)
            .push_bind(owner.user.id.clone())
            .push_bind(deleted.then_some(desk.at))
            .push_bind(deleted.then(|| owner.user.id.clone()));
    });
    statement
}

fn secrets(desk: &Desk, rows: &[Row]) -> QueryBuilder<Sqlite> {
    let mut statement =
        QueryBuilder::new("insert into api_key_secrets (secret_hash, key_id, pepper_version, last4, created_at) ");
    statement.push_values(rows, |mut values, row| {
        values
            .push_bind(row.secret.hash(&desk.keyring).to_string())
            .push_bind(row.id.clone())
            .push_bind(1_i64)
            .push_bind(row.secret.last4().to_owned())
            .push_bind(desk.at);
    });
    statement
}

impl Desk {
    fn act<'a>(&'a self, actor: &'a Actor) -> Act<'a> {
        Act {
            actor,
            at: self.at,
            keyring: &self.keyring,
            entropy: &Entropy::System,
            installation_id: &self.installation_id,
        }
    }
}

impl Owner {
    /// The next events of the account's chain: the key was created and, if it is gone, deleted.
    fn events(&mut self, desk: &Desk, row: &Row) -> Vec<AuditEvent> {
        let deleted = (row.sort == Sort::Deleted).then_some(Action::KeyDeleted);
        let actions = std::iter::once(Action::KeyCreated).chain(deleted);
        actions.map(|action| self.event(desk, row, action)).collect()
    }

    fn event(&mut self, desk: &Desk, row: &Row, action: Action) -> AuditEvent {
        self.seq += 1;
        let Actor { kind, id, name, role, session_id, ip, user_agent, request_id } = self.actor.clone();
        let mut event = AuditEvent {
            id: Entropy::System.id("evt"),
            account_id: self.user.account_id.clone(),
            seq: self.seq,
            at: desk.at,
            action,
            actor_kind: kind,
            actor_id: id,
            actor_name: name,
            actor_role: role,
            session_id,
            ip,
            user_agent,
            request_id,
            target_id: row.id.clone(),
            target_name: row.name.clone(),
            detail: String::new(),
            mac: String::new(),
        };
        event.mac = event.chained(&self.mac, &desk.keyring);
        self.mac.clone_from(&event.mac);
        event
    }
}

/// Secrets of the right shape that no key has, with a wrong checksum and with a right one.
fn strangers(desk: &Desk, out: &Path) -> std::io::Result<()> {
    let (mut garbage, mut unknown) = (private(out, "garbage")?, private(out, "unknown")?);
    for _ in 0..STRANGERS {
        let secret = Secret::generate(&desk.prefix, &Entropy::System);
        let whole = secret.reveal();
        let (body, last) = whole.split_at(whole.len() - 1);
        writeln!(garbage, "{body}{} inb_none", if last == "0" { "1" } else { "0" })?;
        writeln!(unknown, "{whole} inb_none")?;
    }
    garbage.flush()?;
    unknown.flush()
}
