//! Settings → Team, and what its screens share: finding the person, the roles to choose from, and what stands in the way.

pub mod invite;
pub mod list;
pub mod remove;
pub mod role;

use crate::model::name::isolated;
use crate::model::user::{Role, User};
use crate::store::team::Refused;
use crate::store::users;
use crate::web::App;
use crate::web::audience::Me;
use crate::web::error::{Error, Missing};

/// A role to choose.
struct Choice {
    role: Role,
    reach: String,
    chosen: bool,
}

fn choices(app: &App, chosen: Role) -> Vec<Choice> {
    let resources = &app.product.words.resources;
    let reach = |role| match role {
        Role::Administrator => "Everything, including who is in the team.".into(),
        Role::Auditor => "Sees keys, usage and the audit log. Never a secret, never a change.".into(),
        Role::Member => format!("Signs in and sees the {resources}. No keys."),
    };
    Role::ALL.map(|role| Choice { role, reach: reach(role), chosen: role == chosen }).into()
}

/// The person of this id, if they are of my account.
async fn find(app: &App, me: &Me, id: &str) -> Result<User, Error> {
    users::find_in(&app.db, me.account_id(), id).await?.ok_or(Error::NotFound(Missing::Person))
}

/// Says what stands in the way, beside the button; otherwise nothing is left to say here.
fn objection(refused: Refused, person: &User) -> Result<String, Error> {
    match refused {
        Refused::Gone => Err(Error::NotFound(Missing::Person)),
        // My session has ended with my role.
        Refused::NotAdministrator => Err(Error::SignInRequired { next: String::new() }),
        Refused::LastAdministrator => Ok(format!(
            "{} is the only administrator of {}. Make somebody else one first.",
            isolated(&person.name),
            isolated(&person.account_name)
        )),
    }
}
