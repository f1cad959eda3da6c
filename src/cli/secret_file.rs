//! `keydesk secret-file`: another secret file in the place of one that somebody else may have. `rotate` puts a new generation
//! before the old one, and keys keep working; `retire` drops the old one once they were used. `lost` goes on without the one
//! that nobody has. Cut off anywhere, each goes on where it was when it is run again.

use clap::Subcommand;

use super::Failure;
use crate::clock::Clock;
use crate::config::{SettingError, Settings, secret_file};
use crate::entropy::Entropy;
use crate::model::audit::Actor;
use crate::model::keyring::Keyring;
use crate::model::secret_file::SecretFile;
use crate::model::text::count;
use crate::store::installation::{self, Recognised, Standing, Stranger};
use crate::store::look::{Looked, look};
use crate::store::{Act, Db, secret_loss, secret_rotation};

const RETIRE_FIRST: &str =
    "the secret file was replaced before, and its old half still counts. Retire that first: keydesk secret-file retire";
const NOTHING_TO_RETIRE: &str =
    "the secret file holds one generation: there is nothing to retire. To replace it, run: keydesk secret-file rotate";
const FINISH_FIRST: &str =
    "the secret file holds a new generation that the database does not know yet; run: keydesk secret-file rotate";

const LOSS_UNFINISHED: &str = "the loss of the secret file is not recorded to the end; run: keydesk secret-file lost";

#[derive(Subcommand)]
pub enum SecretFileCommand {
    /// Put a new generation into the secret file, before the old one. Keys keep working; everybody has to sign in again.
    Rotate,
    /// Drop the old generation from the secret file. Keys that were not used since stop working.
    Retire {
        /// Say which keys were not used since, and change nothing.
        #[arg(long, conflicts_with = "yes")]
        list: bool,
        /// Drop it though there are such keys.
        #[arg(long)]
        yes: bool,
    },
    /// Go on without the secret file that is lost: every key has to be rotated.
    Lost {
        /// Do it though no key works any more then.
        #[arg(long)]
        yes: bool,
    },
}

pub async fn run(settings: &Settings, command: SecretFileCommand) -> Result<(), Failure> {
    // An open would make one.
    if matches!(look(&settings.database_url()).await?, Looked::Absent | Looked::Foreign) {
        return Err("there is no database of Keydesk's, so its secret file is of no use yet".into());
    }
    let db = Db::open(&settings.database_url()).await?;
    let done = match command {
        SecretFileCommand::Rotate => rotate(settings, &db).await,
        SecretFileCommand::Retire { list, yes } => retire(settings, &db, list, yes).await,
        SecretFileCommand::Lost { yes } => lost(settings, &db, yes).await,
    };
    db.close().await;
    done
}

/// Why a secret file is not taken, in words.
pub fn refused(why: Stranger, settings: &Settings) -> Failure {
    let path = settings.secret_path();
    match why {
        Stranger::OtherFile => SettingError::SecretFileStrange(path).into(),
        Stranger::FormerFile => SettingError::SecretFileFormer(path).into(),
        Stranger::OldHalfMissing => SettingError::SecretFileHalf(path).into(),
        Stranger::LossUnfinished => LOSS_UNFINISHED.into(),
        Stranger::Database(error) => error.into(),
    }
}

/// Says what is left to be done about the secret file.
pub fn warn(standing: Standing) {
    match standing {
        Standing::One => {}
        Standing::Begun => tracing::warn!(
            "The secret file was not replaced to the end, and the old generation is used; run: keydesk secret-file rotate"
        ),
        Standing::Two => tracing::info!(
            "The secret file holds two generations; once every node has it and keys were used, run: keydesk secret-file retire"
        ),
        Standing::HalfRetired => tracing::warn!(
            "The old generation is still in the secret file, and does not count; run: keydesk secret-file retire"
        ),
    }
}

async fn rotate(settings: &Settings, db: &Db) -> Result<(), Failure> {
    let mut file = settings.existing_secret_file()?;
    let recognised = recognised(settings, db, &file).await?;
    if recognised.standing == Standing::HalfRetired {
        return Err(
            "the old half of the secret file was retired and is still there. Run first: keydesk secret-file retire"
                .into(),
        );
    }
    let actor = Actor::machine("cli", "Command line");
    let id = db.installation_id(&Entropy::System, Clock::System.now()).await?;
    if recognised.standing == Standing::One {
        file = file.with_successor(&Entropy::System);
        // The file before the database: what the database counts on is on disk then.
        secret_file::replace(&settings.secret_path(), &file)?;
    }
    if recognised.standing != Standing::Two {
        let act = act(&actor, &recognised.keyring, &id);
        secret_rotation::begin(db, &recognised.keyring, &file.newest(), &act).await?;
    }
    let keyring = self::recognised(settings, db, &file).await?.keyring;
    let any = secret_rotation::take_over(db, &act(&actor, &keyring, &id)).await?;
    db.empty_log().await?;
    if recognised.standing == Standing::Two && !any {
        return Err(RETIRE_FIRST.into());
    }
    let path = settings.secret_path();
    println!("The secret file {} holds a new generation and the old one. Every session was ended.", path.display());
    println!("Keys keep working. Now:");
    println!(
        "1. Copy the secret file to every node and to your backup of secrets, mode 0600, and restart the nodes one by one."
    );
    println!("   A node that was not restarted lets keys through, and changes nothing.");
    println!("2. Each key that is used is known by the new generation from then on. See which are left, now and then:");
    println!("   keydesk secret-file retire --list");
    println!("3. Once none is left that matters: keydesk secret-file retire");
    Ok(())
}

async fn retire(settings: &Settings, db: &Db, list: bool, yes: bool) -> Result<(), Failure> {
    let file = settings.existing_secret_file()?;
    let Recognised { keyring, standing } = match recognised(settings, db, &file).await {
        Err(failure) if half_is_missing(&failure) => {
            Recognised { keyring: installation::newest_alone(db, &file).await?, standing: Standing::HalfRetired }
        }
        found => found?,
    };
    match standing {
        Standing::One => return Err(NOTHING_TO_RETIRE.into()),
        Standing::Begun => return Err(FINISH_FIRST.into()),
        Standing::Two | Standing::HalfRetired => {}
    }
    let actor = Actor::machine("cli", "Command line");
    let id = db.installation_id(&Entropy::System, Clock::System.now()).await?;
    let act = act(&actor, &keyring, &id);
    if list {
        return list_unused(db, &act).await;
    }
    secret_rotation::take_over(db, &act).await?;
    let unused = secret_rotation::count_unused(db, &act).await?;
    if unused > 0 && !yes {
        return Err(format!(
            "{} not used since the secret file was replaced, and would stop working until rotated. See which: keydesk secret-file retire --list. To drop the old generation all the same: keydesk secret-file retire --yes",
            count(unused, "key was", "keys were")
        )
        .into());
    }
    secret_rotation::end_old(db, &act).await?;
    let stopped = secret_rotation::stop_unused(db, &act).await?;
    secret_rotation::forget_old_hashes(db).await?;
    db.empty_log().await?;
    secret_file::replace(&settings.secret_path(), &file.newest_alone())?;
    println!("The secret file {} holds the new generation alone.", settings.secret_path().display());
    if stopped > 0 {
        println!(
            "{} stopped working until rotated.",
            count(stopped, "key that was not used", "keys that were not used")
        );
    }
    println!(
        "Copy it to every node and to your backup of secrets, and restart the nodes one by one. Destroy every copy"
    );
    println!("of the older files, but for those that belong to older backups of the database.");
    Ok(())
}

async fn lost(settings: &Settings, db: &Db, yes: bool) -> Result<(), Failure> {
    let actor = Actor::machine("cli", "Command line");
    let id = db.installation_id(&Entropy::System, Clock::System.now()).await?;
    let file = match settings.existing_secret_file() {
        Ok(file) => match installation::recognise(db, &file).await {
            Err(Stranger::LossUnfinished) => file,
            Ok(_) => {
                return Err("the secret file is there, and is the one of this database. Nothing was changed".into());
            }
            Err(why) => return Err(refused(why, settings)),
        },
        Err(SettingError::SecretFileMissing(_)) => {
            let file = SecretFile::generate(&Entropy::System);
            let keyring = file.newest();
            let act = act(&actor, &keyring, &id);
            if !yes {
                return Err(losses(db, &act).await?.into());
            }
            settings.make_data_dir()?;
            secret_file::create(&settings.secret_path(), &file)?;
            secret_loss::begin(db, &keyring, &act).await?;
            file
        }
        Err(refused) => return Err(refused.into()),
    };
    let keyring = installation::newest_alone(db, &file).await?;
    let taken = secret_loss::take_over(db, &act(&actor, &keyring, &id)).await?;
    db.empty_log().await?;
    println!("The secret file {} is a new one.", settings.secret_path().display());
    println!("Of {}, every session was ended and every key waits to be rotated.", count(taken, "account", "accounts"));
    println!(
        "Copy the file to every node and to your backup of secrets, mode 0600, and restart the nodes. People with an"
    );
    println!("authenticator app sign in with a recovery code or a passkey and set it up anew; who has neither:");
    println!("keydesk admin reset-two-factor EMAIL");
    Ok(())
}

/// What would happen, for whoever has not said yes.
async fn losses(db: &Db, act: &Act<'_>) -> Result<String, Failure> {
    let losses = secret_loss::count_losses(db, act).await?;
    let number = |many: i64| u64::try_from(many).unwrap_or(0);
    Ok(format!(
        "without the secret file, {} of keys and {} are void for good, and everybody has to sign in again. Look for a copy first, and keep every Keydesk that still runs running. If there is none: keydesk secret-file lost --yes",
        count(number(losses.keys), "secret", "secrets"),
        count(number(losses.apps), "authenticator app", "authenticator apps"),
    ))
}

async fn list_unused(db: &Db, act: &Act<'_>) -> Result<(), Failure> {
    let mut last = String::new();
    loop {
        let page = secret_rotation::list_unused(db, act, &last).await?;
        for key in &page {
            let used = key.last_used_at.map_or("never used".to_owned(), |at| format!("last used {at}"));
            println!("{} …{} {:?} of {:?}, {used}", key.key_id, key.last4, key.name, key.account_name);
        }
        let Some(key) = page.into_iter().next_back() else { break };
        last = key.secret_hash;
    }
    let unused = secret_rotation::count_unused(db, act).await?;
    println!("{} not used since the secret file was replaced.", count(unused, "key was", "keys were"));
    Ok(())
}

async fn recognised(settings: &Settings, db: &Db, file: &SecretFile) -> Result<Recognised, Failure> {
    installation::recognise(db, file).await.map_err(|why| refused(why, settings))
}

fn half_is_missing(failure: &Failure) -> bool {
    matches!(failure.downcast_ref(), Some(SettingError::SecretFileHalf(_)))
}

fn act<'a>(actor: &'a Actor, keyring: &'a Keyring, installation_id: &'a str) -> Act<'a> {
    Act { actor, at: Clock::System.now(), keyring, entropy: &Entropy::System, installation_id }
}
