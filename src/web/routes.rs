//! The whole site on one screen: every route, its methods, and the group that says whom it is for.

use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn_with_state;
use axum::response::IntoResponse;
use axum::routing::{any, delete, get, patch, post};
use axum::{Router, http::StatusCode};
use tower_http::catch_panic::CatchPanicLayer;
use tower_sessions::cookie::SameSite;
use tower_sessions::{Expiry, SessionManagerLayer};

use super::api::problem::Problem;
use super::audience::{Audience, require};
use super::error::{Error, Missing};
use super::pages::{
    audit_log, docs, forgot_password, google, home, inboxes, invitation, key_lifetime, keys, re_authenticate,
    report_leaked_key, reset_password, security, sign_in, sign_out, sign_up, support, team, theme, two_factor, usage,
    verify_email, welcome,
};
use super::{App, api, assets, cross_site, devices, error, form, gate, headers, operations, request};
use crate::store::web_sessions::WebSessions;

/// The application.
pub fn router(app: App) -> Router {
    Router::new()
        .merge(pages(&app))
        .merge(machines(&app))
        .layer(DefaultBodyLimit::max(form::LARGEST_BODY))
        .layer(from_fn_with_state(app.clone(), headers::add))
        .layer(from_fn_with_state(app.clone(), request::identify))
        .merge(gateways())
        .with_state(app)
}

/// Pages, for browsers: a cookie, so a guard against other sites.
fn pages(app: &App) -> Router<App> {
    let group =
        |routes: Router<App>, audience| routes.route_layer(from_fn_with_state((app.clone(), audience), require));
    Router::new()
        .merge(visitor())
        .merge(group(member(), Audience::Member))
        .merge(group(auditor(), Audience::Auditor))
        .merge(group(administrator(), Audience::Administrator))
        .merge(group(staff(), Audience::Staff))
        .fallback(async || Error::NotFound(Missing::Page))
        .layer(session_layer(app))
        .layer(from_fn_with_state(app.clone(), devices::recognise))
        .layer(from_fn_with_state(app.clone(), cross_site::refuse))
        .layer(CatchPanicLayer::custom(|_| Error::Internal.into_response()))
        .layer(from_fn_with_state(app.clone(), error::render))
}

/// Anybody.
fn visitor() -> Router<App> {
    Router::new()
        .route("/", get(home::show))
        .route("/sign-up", get(sign_up::show).post(sign_up::create))
        .route("/sign-in", get(sign_in::show).post(sign_in::create))
        .route("/auth/google", get(google::begin))
        .route("/auth/google/callback", get(google::come_back))
        .route("/forgot-password", get(forgot_password::show).post(forgot_password::create))
        .route("/reset-password", get(reset_password::show).post(reset_password::create))
        .route("/invitation", get(invitation::show).post(invitation::create))
        .route("/two-factor", get(two_factor::sign_in::show).post(two_factor::sign_in::create))
        .route("/two-factor/passkey", post(two_factor::sign_in::by_passkey))
        .route("/two-factor/passkey/options", post(two_factor::sign_in::options))
        .route("/.well-known/change-password", get(security::well_known))
        .route("/report-leaked-key", get(report_leaked_key::show).post(report_leaked_key::create))
        .route("/docs", get(docs::show))
        .route("/theme", post(theme::choose))
        .route("/static/{hash}/{file}", get(assets::asset))
}

/// Whoever is signed in.
fn member() -> Router<App> {
    Router::new()
        .route("/sign-out", post(sign_out::create))
        .route("/re-authenticate", get(re_authenticate::show).post(re_authenticate::create))
        .route("/re-authenticate/passkey", post(re_authenticate::by_passkey))
        .route("/re-authenticate/passkey/options", post(re_authenticate::options))
        .route("/settings", get(home::settings))
        .route("/settings/inboxes", get(inboxes::list::show))
        .route("/settings/security", get(security::show))
        .route("/settings/security/password", get(security::password).post(security::change_password))
        .route("/settings/security/google/connect", get(google::connect))
        .route("/settings/security/google/disconnect", post(google::disconnect))
        .route("/settings/security/sessions/{id}/end", post(security::end_session))
        .route("/settings/security/sessions/end-others", post(security::end_others))
        .merge(second_factors())
        .route("/settings/security/verify-email", post(verify_email::ask))
        .route("/verify-email", get(verify_email::show).post(verify_email::create))
}

/// What somebody proves beside their password.
fn second_factors() -> Router<App> {
    use two_factor::{authenticator, manage, passkeys, recovery_codes};
    Router::new()
        .route("/settings/security/two-factor", get(manage::show))
        .route("/settings/security/two-factor/authenticator", get(authenticator::show).post(authenticator::create))
        .route("/settings/security/two-factor/authenticator/remove", post(manage::remove_app))
        .route("/settings/security/two-factor/recovery-codes", get(recovery_codes::show).post(recovery_codes::create))
        .route("/settings/security/two-factor/passkeys", get(passkeys::show).post(passkeys::create))
        .route("/settings/security/two-factor/passkeys/options", post(passkeys::options))
        .route("/settings/security/two-factor/passkeys/{id}/remove", post(manage::remove_passkey))
}

/// Administrators and auditors: to look, and to note what they saw, not to touch.
fn auditor() -> Router<App> {
    Router::new()
        .route("/settings/api-keys", get(keys::list::show))
        .route("/settings/api-keys.csv", get(keys::export::csv_file))
        .route("/settings/api-keys/{id}", get(keys::detail::show))
        .route("/settings/api-keys/{id}/notes", get(keys::notes::show).post(keys::notes::create))
        .route("/settings/usage", get(usage::show))
        .route("/settings/audit-log", get(audit_log::show))
        .route("/settings/audit-log.csv", get(audit_log::export::csv_file))
        .route("/settings/audit-log.jsonl", get(audit_log::export::json_lines))
        .route("/settings/team", get(team::list::show))
}

/// Administrators.
fn administrator() -> Router<App> {
    Router::new()
        .route("/welcome", get(welcome::show))
        .route("/welcome/status", get(welcome::status))
        .route("/settings/api-keys", post(keys::new::create))
        .route("/settings/api-keys/new", get(keys::new::show))
        .route("/settings/api-keys/selected/delete", get(keys::selected::ask_delete).post(keys::selected::delete))
        .route("/settings/api-keys/selected/pause", get(keys::selected::ask_pause).post(keys::selected::pause))
        .route("/settings/api-keys/{id}/reveal", post(keys::reveal::create))
        .route("/settings/api-keys/{id}/rotate", get(keys::rotate::show).post(keys::rotate::create))
        .route("/settings/api-keys/{id}/stop-old", post(keys::rotate::stop_old))
        .route("/settings/api-keys/{id}/rename", get(keys::rename::show).post(keys::rename::create))
        .route("/settings/api-keys/{id}/scopes", get(keys::scopes::show).post(keys::scopes::create))
        .route("/settings/api-keys/{id}/pause", post(keys::pause::create))
        .route("/settings/api-keys/{id}/resume", post(keys::pause::end))
        .route("/settings/api-keys/{id}/delete", get(keys::delete::show).post(keys::delete::create))
        .route("/settings/inboxes", post(inboxes::new::create))
        .route("/settings/inboxes/new", get(inboxes::new::show))
        .route("/settings/inboxes/{id}/delete", get(inboxes::delete::show).post(inboxes::delete::create))
        .route("/settings/security/rules/key-lifetime", get(key_lifetime::show).post(key_lifetime::create))
        .route("/settings/security/rules/two-factor", get(two_factor::rule::show).post(two_factor::rule::create))
        .route("/settings/team/invitations", post(team::invite::create))
        .route("/settings/team/invitations/new", get(team::invite::show))
        .route("/settings/team/invitations/{id}/send-again", post(team::invite::send_again))
        .route("/settings/team/invitations/{id}/withdraw", post(team::invite::withdraw))
        .route("/settings/team/{id}/role", get(team::role::show).post(team::role::create))
        .route("/settings/team/{id}/remove", get(team::remove::show).post(team::remove::create))
}

/// Support staff of the platform: to look, across accounts, and each look is in the customer's log.
fn staff() -> Router<App> {
    Router::new()
        .route("/support", get(support::show).post(support::look_up))
        .route("/support/keys/{id}", get(support::key))
        .route("/support/requests/{id}", get(support::request))
}

/// JSON and probes, for machines: no cookie is read here, so there is nothing to forge.
fn machines(app: &App) -> Router<App> {
    let path = &app.product.api.path;
    let mut keys_and_resources = Router::new().nest("/v1", v1(app));
    if path != "/v1" {
        keys_and_resources = keys_and_resources.nest(path, v1(app));
    }
    let door = from_fn_with_state(app.clone(), api::door::enter);
    let in_the_clear = from_fn_with_state(app.clone(), api::door::refuse_in_the_clear);
    let operations = Router::new()
        .route("/healthz", get(async || StatusCode::OK))
        .route("/readyz", get(operations::ready))
        .route("/.well-known/jwks.json", get(operations::key_set))
        .route("/.well-known/security.txt", get(operations::security_txt))
        .route("/openapi.json", get(api::openapi::serve(app)));
    keys_and_resources
        .route_layer(door)
        .merge(auth().merge(leaks()).route_layer(in_the_clear))
        .merge(nowhere())
        .layer(CatchPanicLayer::custom(|_| Problem::from(Error::Internal).into_response()))
        .layer(from_fn_with_state(app.clone(), api::problem::word_refusals))
        .merge(operations)
}

/// What a key or a session token opens, under `/v1` and under the path of the product's own API.
fn v1(app: &App) -> Router<App> {
    let mut v1 = Router::new()
        .route("/key", get(api::key::show))
        .route("/keys", get(api::keys::list).post(api::keys::create))
        .route("/keys/{id}", get(api::keys::show).delete(api::keys::delete))
        .route("/keys/{id}/rotate", post(api::keys::rotate))
        .route("/inboxes", get(api::inboxes::list).post(api::inboxes::create))
        .route("/inboxes/{id}", get(api::inboxes::show).delete(api::inboxes::delete))
        .route("/team", get(api::team::list))
        .route("/team/invitations", get(api::team::list_invitations).post(api::team::invite))
        .route("/team/invitations/{id}", delete(api::team::withdraw))
        .route("/team/{id}", patch(api::team::change_role).delete(api::team::remove))
        .route("/usage", get(api::usage::list))
        .route("/audit-events", get(api::audit_events::list));
    if app.product.words.api_name != "inboxes" {
        let own = format!("/{}", app.product.words.api_name);
        v1 = v1
            .route(&own, get(api::inboxes::list).post(api::inboxes::create))
            .route(&format!("{own}/{{id}}"), get(api::inboxes::show).delete(api::inboxes::delete));
    }
    v1
}

/// Sessions without a browser. Whether their tokens open the API is for the gate to say.
fn auth() -> Router<App> {
    Router::new()
        .route("/api/auth/signup", post(api::auth::sign_up))
        .route("/api/auth/login", post(api::auth::log_in))
        .route("/api/auth/refresh", post(api::auth::refresh))
        .route("/api/auth/logout", post(api::auth::log_out))
}

/// Keys that leaked: from whoever found one, and from a scanner that signs what it says.
fn leaks() -> Router<App> {
    Router::new()
        .route("/api/report-leaked-key", post(api::leaked_key::create))
        .route("/api/secret-scanning/github", post(api::secret_scanning::create))
}

/// The product's gateway, once per request of the product's customers. No layer but its own: see [`gate`].
fn gateways() -> Router<App> {
    Router::new()
        .route("/gate/authorize", get(gate::authorize).post(gate::authorize).fallback(gate::other_method))
        .route("/gate/verify", post(gate::verify).fallback(gate::only_post))
}

/// Whatever else a program asks for: its 404 is JSON too.
fn nowhere() -> Router<App> {
    Router::new()
        .route("/v1", any(api::problem::no_such_path))
        .route("/v1/", any(api::problem::no_such_path))
        .route("/v1/{*path}", any(api::problem::no_such_path))
        .route("/api", any(api::problem::no_such_path))
        .route("/api/", any(api::problem::no_such_path))
        .route("/api/{*path}", any(api::problem::no_such_path))
}

/// `__Host-keydesk` over TLS. Over plain http, which only a laptop uses, another name, because browsers insist.
fn session_layer(app: &App) -> SessionManagerLayer<WebSessions> {
    let store = WebSessions { db: app.db.clone(), clock: app.clock.clone() };
    SessionManagerLayer::new(store)
        .with_name(if app.is_https() { "__Host-keydesk" } else { "keydesk" })
        .with_secure(app.is_https())
        .with_http_only(true)
        // Lax, not Strict: a sign-in that comes back from another site is a cross-site GET.
        .with_same_site(SameSite::Lax)
        .with_path("/")
        .with_expiry(Expiry::OnSessionEnd)
}
