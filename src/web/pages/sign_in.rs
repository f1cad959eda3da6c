//! Sign-in by email and password. Throttled before anything is hashed; unknown, wrong and passwordless cost the same and read the
//! same.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use sha2::{Digest, Sha256};
use tower_sessions::Session as WebSession;
use zeroize::Zeroizing;

use crate::gate::throttle::{PER_ADDRESS, PER_ADDRESS_AND_ACCOUNT, source_of};
use crate::model::keyring::hex;
use crate::model::text::fold;
use crate::model::user::User;
use crate::store::{accounts, users};
use crate::web::audience::{sign_in, signed_in};
use crate::web::error::Error;
use crate::web::form::{Form, Query};
use crate::web::pages::home::first_screen;
use crate::web::request::RequestInfo;
use crate::web::{App, page, see_other};

#[derive(Template)]
#[template(path = "sign_in/show.html")]
struct SignIn<'a> {
    theme: &'static str,
    brand: &'a str,
    next: &'a str,
    email: &'a str,
    failed: bool,
}

/// `GET /sign-in`
pub async fn show(
    State(app): State<App>,
    info: RequestInfo,
    web: WebSession,
    Query(query): Query,
) -> Result<Response, Error> {
    if let Some(me) = signed_in(&app, &info, web).await? {
        return Ok(see_other(first_screen(me.user().role)));
    }
    let next = own_path(query.get("next")).unwrap_or_default();
    let shown = SignIn { theme: info.theme.as_str(), brand: &app.product.brand.name, next, email: "", failed: false };
    Ok(page(StatusCode::OK, &shown))
}

/// `POST /sign-in`
pub async fn create(
    State(app): State<App>,
    info: RequestInfo,
    web: WebSession,
    Form(fields): Form,
) -> Result<Response, Error> {
    let next = own_path(fields.get("next")).unwrap_or_default();
    let password = Zeroizing::new(fields.owned("password"));
    let Some(user) = authenticate(&app, &info, fields.get("email"), password).await? else {
        let email = fields.get("email");
        let again = SignIn { theme: info.theme.as_str(), brand: &app.product.brand.name, next, email, failed: true };
        return Ok(page(StatusCode::UNPROCESSABLE_ENTITY, &again));
    };
    sign_in(&app, &info, &web, &user, !fields.get("remember").is_empty()).await?;
    Ok(see_other(if next.is_empty() { first_screen(user.role) } else { next }))
}

/// The user whose address and password these are. For pages and JSON alike.
///
/// # Errors
/// [`Error::TooManyRequests`] before anything is hashed, [`Error::Busy`] if too many are being hashed.
pub async fn authenticate(
    app: &App,
    info: &RequestInfo,
    email: &str,
    password: Zeroizing<String>,
) -> Result<Option<User>, Error> {
    let source = source_of(info.ip);
    // A digest, so that a long address takes no more memory than a short one.
    let per_account = format!("{source} {}", hex(&Sha256::digest(fold(email))));
    app.throttle
        .spend(&source, PER_ADDRESS, info.at)
        .map_err(|throttled| Error::TooManyRequests { until: throttled.until })?;
    app.throttle
        .spend(&per_account, PER_ADDRESS_AND_ACCOUNT, info.at)
        .map_err(|throttled| Error::TooManyRequests { until: throttled.until })?;
    let (user, hash) = users::find_by_email(&app.db, email).await?.unzip();
    let genuine = app.passwords.verify(password, hash.flatten()).await.map_err(|_| Error::Busy)?;
    let Some(user) = user else { return Ok(None) };
    if !genuine {
        let visitor = info.visitor();
        accounts::note_refused_sign_in(&app.db, &app.act(&visitor), &user).await?;
    }
    Ok(genuine.then_some(user))
}

/// A path on this site, or nothing: no scheme, no host, no trick that a browser reads as one.
pub fn own_path(next: &str) -> Option<&str> {
    let lowered = next.to_ascii_lowercase();
    let tricky = next.starts_with("//") || next.contains('\\') || next.chars().any(char::is_control);
    let encoded = ["%2f", "%5c", "%00", "%0a", "%0d", "%09"].iter().any(|trick| lowered.contains(trick));
    (next.starts_with('/') && !tricky && !encoded).then_some(next)
}

#[cfg(test)]
mod tests {
    use super::own_path;

    #[test]
    fn next_stays_on_this_site() {
        assert_eq!(own_path("/settings/api-keys?status=active"), Some("/settings/api-keys?status=active"));
        for elsewhere in [
            "",
            "https://evil.example",
            "//evil.example",
            "/\\evil.example",
            "/%2f%2fevil.example",
            "/%5Cevil.example",
            "javascript:1",
            "/a\nb",
        ] {
            assert_eq!(own_path(elsewhere), None, "{elsewhere:?}");
        }
    }
}
