//! Invitations: one open invitation for each address and account, a newer one voids the older. The link is known by its
//! hash only, and made when it is mailed.

use super::team::{administrators, may_change};
use super::{Act, Db, Tx, audit_events, change, columns, errands, is_taken, read, users, within};
use crate::clock::Timestamp;
use crate::model::audit::{Action, Target};
use crate::model::invitation::Invitation;
use crate::model::mailed_link::{Kind, Token};
use crate::model::text::fold;
use crate::model::user::{Role, User};

columns!(Invitation {
    id,
    account_id,
    account_name,
    email,
    role,
    inviter_name,
    created_at,
    expires_at,
    accepted_at,
    withdrawn_at,
});

/// The columns of [`Invitation`], and the tables they come from.
macro_rules! select_invitation {
    ($rest:literal) => {
        concat!(
            "
        select i.id, i.account_id, a.name as account_name, i.email, i.role, u.name as inviter_name, i.created_at,
            i.expires_at, i.accepted_at, i.withdrawn_at
        from invitations i
        join accounts a on a.id = i.account_id
        left join users u on u.id = i.invited_by and u.role = 'administrator' and u.removed_at is null",
            $rest
        )
    };
}

/// What became of asking somebody in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Invited {
    Now,
    /// Somebody of the team has the address.
    Here,
    /// Whoever asked has lost the right meanwhile.
    NotAdministrator,
}

/// Invites the address into the account of `inviter`. Another open invitation of it becomes void.
pub async fn invite(db: &Db, act: &Act<'_>, inviter: &User, email: &str, role: Role) -> sqlx::Result<Invited> {
    const HERE: &str = "select id from users where account_id = $1 and email_folded = $2 and removed_at is null";
    const VOID: &str = "
        update invitations
        set withdrawn_at = $3
        where account_id = $1
        and email_folded = $2
        and accepted_at is null
        and withdrawn_at is null";
    let account_id = &inviter.account_id;
    let mut tx = db.begin_as(act, account_id).await?;
    if !may_change(act, &administrators(&mut tx, account_id).await?) {
        return Ok(Invited::NotAdministrator);
    }
    let here: Option<(String,)> =
        within!(&mut tx, c => sqlx::query_as(HERE).bind(account_id).bind(fold(email)).fetch_optional(c))?;
    if here.is_some() {
        return Ok(Invited::Here);
    }
    change!(&mut tx, sqlx::query(VOID).bind(account_id).bind(fold(email)).bind(act.at));
    let id = insert(&mut tx, act, inviter, email, role).await?;
    let detail = format!("as {}", role.in_words());
    audit_events::record(&mut tx, act, account_id, Action::MemberInvited, Target { id: &id, name: email }, &detail)
        .await?;
    errands::put_about(&mut tx, act, errands::Kind::Invitation, email, &id).await?;
    tx.commit().await?;
    Ok(Invited::Now)
}

async fn insert(tx: &mut Tx, act: &Act<'_>, inviter: &User, email: &str, role: Role) -> sqlx::Result<String> {
    const INSERT: &str = "
        insert into invitations (id, account_id, email, email_folded, role, invited_by, created_at, expires_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8)";
    let id = act.entropy.id("inv");
    change!(
        tx,
        sqlx::query(INSERT)
            .bind(&id)
            .bind(&inviter.account_id)
            .bind(email)
            .bind(fold(email))
            .bind(role.as_str())
            .bind(&inviter.id)
            .bind(act.at)
            .bind(act.at + Kind::Invitation.lifetime())
    );
    Ok(id)
}

/// Sends an invitation that nobody has taken once more, and gives it its seven days again. Answers the address.
pub async fn send_again(db: &Db, act: &Act<'_>, account_id: &str, id: &str) -> sqlx::Result<Option<String>> {
    const RENEW: &str = "
        update invitations
        set expires_at = $3
        where account_id = $1
        and id = $2
        and accepted_at is null
        and withdrawn_at is null
        returning email";
    let mut tx = db.begin_as(act, account_id).await?;
    if !may_change(act, &administrators(&mut tx, account_id).await?) {
        return Ok(None);
    }
    let expires_at = act.at + Kind::Invitation.lifetime();
    let renewed: Option<(String,)> = within!(&mut tx, c => {
        sqlx::query_as(RENEW).bind(account_id).bind(id).bind(expires_at).fetch_optional(c)
    })?;
    let Some((email,)) = renewed else { return Ok(None) };
    audit_events::record(&mut tx, act, account_id, Action::MemberInvited, Target { id, name: &email }, "again").await?;
    errands::put_about(&mut tx, act, errands::Kind::Invitation, &email, id).await?;
    tx.commit().await?;
    Ok(Some(email))
}

/// Withdraws an invitation that nobody has taken. Answers the address.
pub async fn withdraw(db: &Db, act: &Act<'_>, account_id: &str, id: &str) -> sqlx::Result<Option<String>> {
    let mut tx = db.begin_as(act, account_id).await?;
    if !may_change(act, &administrators(&mut tx, account_id).await?) {
        return Ok(None);
    }
    let email = withdraw_one(&mut tx, act, account_id, id, "").await?;
    tx.commit().await?;
    Ok(email)
}

/// Withdraws what somebody sent who may invite no more: a second address of theirs must not bring them back.
pub(super) async fn withdraw_of(tx: &mut Tx, act: &Act<'_>, inviter: &User) -> sqlx::Result<()> {
    const OPEN: &str = "
        select id
        from invitations
        where account_id = $1
        and invited_by = $2
        and accepted_at is null
        and withdrawn_at is null
        order by id";
    let open: Vec<(String,)> =
        within!(&mut *tx, c => sqlx::query_as(OPEN).bind(&inviter.account_id).bind(&inviter.id).fetch_all(c))?;
    for (id,) in open {
        withdraw_one(tx, act, &inviter.account_id, &id, "with whoever sent it").await?;
    }
    Ok(())
}

async fn withdraw_one(
    tx: &mut Tx,
    act: &Act<'_>,
    account_id: &str,
    id: &str,
    why: &str,
) -> sqlx::Result<Option<String>> {
    const WITHDRAW: &str = "
        update invitations
        set withdrawn_at = $3
        where account_id = $1
        and id = $2
        and accepted_at is null
        and withdrawn_at is null
        returning email";
    let withdrawn: Option<(String,)> = within!(&mut *tx, c => {
        sqlx::query_as(WITHDRAW).bind(account_id).bind(id).bind(act.at).fetch_optional(c)
    })?;
    let Some((email,)) = withdrawn else { return Ok(None) };
    audit_events::record(tx, act, account_id, Action::InvitationWithdrawn, Target { id, name: &email }, why).await?;
    Ok(Some(email))
}

/// The invitations of an account that nobody has taken, the newest first.
pub async fn list(db: &Db, account_id: &str) -> sqlx::Result<Vec<Invitation>> {
    const LIST: &str = select_invitation!(
        "
        where i.account_id = $1
        and i.accepted_at is null
        and i.withdrawn_at is null
        order by i.created_at desc, i.id
        limit 200"
    );
    read!(db, c => sqlx::query_as(LIST).bind(account_id).fetch_all(c))
}

/// The invitation of this id.
pub async fn find(db: &Db, id: &str) -> sqlx::Result<Option<Invitation>> {
    const FIND: &str = select_invitation!("\nwhere i.id = $1");
    read!(db, c => sqlx::query_as(FIND).bind(id).fetch_optional(c))
}

/// The invitation whose newest link this is, whether it works or not.
pub async fn find_by_token(db: &Db, token_hash: &str) -> sqlx::Result<Option<Invitation>> {
    const FIND: &str = select_invitation!("\nwhere i.token_hash = $1");
    read!(db, c => sqlx::query_as(FIND).bind(token_hash).fetch_optional(c))
}

/// Gives an invitation its newest link; the older ones are void. Answers `false` if it is not open any more.
pub async fn keep_link(db: &Db, invitation: &Invitation, token: &Token, now: Timestamp) -> sqlx::Result<bool> {
    const KEEP: &str = "
        update invitations
        set token_hash = $3
        where account_id = $1
        and id = $2
        and accepted_at is null
        and withdrawn_at is null
        and expires_at > $4";
    let mut tx = db.begin_on(&invitation.account_id).await?;
    let kept = change!(
        &mut tx,
        sqlx::query(KEEP).bind(&invitation.account_id).bind(&invitation.id).bind(token.hash()).bind(now)
    );
    tx.commit().await?;
    Ok(kept > 0)
}

/// Who joins, and by which link.
#[derive(Clone, Copy, Debug)]
pub struct Joining<'a> {
    pub invitation: &'a Invitation,
    pub token_hash: &'a str,
    pub name: &'a str,
    pub password_hash: &'a str,
}

/// What became of joining.
#[derive(Clone, Debug)]
pub enum Joined {
    Now(User),
    /// The link does not work any more.
    Void,
    /// Somebody signs in with the address already.
    AddressTaken,
}

/// Uses the link, this once: its holder becomes a user of the account, in the role it names, at an address it proves.
pub async fn accept(db: &Db, act: &Act<'_>, joining: Joining<'_>) -> sqlx::Result<Joined> {
    let invitation = joining.invitation;
    let user = User {
        id: act.entropy.id("usr"),
        account_id: invitation.account_id.clone(),
        account_name: invitation.account_name.clone(),
        email: invitation.email.clone(),
        name: joining.name.into(),
        role: invitation.role,
        staff_since: None,
        created_at: act.at,
    };
    let mut tx = db.begin_as(act, &user.account_id).await?;
    if !consume(&mut tx, joining, act.at).await? {
        return Ok(Joined::Void);
    }
    match users::insert(&mut tx, &user, Some(joining.password_hash)).await {
        Err(error) if is_taken(&error) => return Ok(Joined::AddressTaken),
        done => done?,
    }
    users::mark_proven(&mut tx, &user, act.at).await?;
    let actor = act.actor.as_user(&user, "");
    let detail = format!("as {}", user.role.in_words());
    let target = Target { id: &user.id, name: &user.email };
    let act = Act { actor: &actor, ..*act };
    audit_events::record(&mut tx, &act, &user.account_id, Action::MemberJoined, target, &detail).await?;
    tx.commit().await?;
    Ok(Joined::Now(user))
}

async fn consume(tx: &mut Tx, joining: Joining<'_>, now: Timestamp) -> sqlx::Result<bool> {
    const USE: &str = "
        update invitations
        set accepted_at = $4
        where account_id = $1
        and id = $2
        and token_hash = $3
        and accepted_at is null
        and withdrawn_at is null
        and expires_at > $4";
    let Joining { invitation, token_hash, .. } = joining;
    let used =
        change!(tx, sqlx::query(USE).bind(&invitation.account_id).bind(&invitation.id).bind(token_hash).bind(now));
    Ok(used > 0)
}
