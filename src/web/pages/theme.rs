//! `POST /theme`: light, dark, or as the system has it; remembered in a cookie that says nothing else.

use axum::extract::State;
use axum::http::header::SET_COOKIE;
use axum::response::{IntoResponse, Response};

use crate::web::form::{Form, own_path};
use crate::web::{App, see_other};

/// Seconds: a year.
const REMEMBERED: u32 = 31_536_000;

pub async fn choose(State(app): State<App>, Form(fields): Form) -> Response {
    let secure = if app.is_https() { "; Secure" } else { "" };
    let cookie = match fields.get("theme") {
        theme @ ("light" | "dark") => {
            format!("theme={theme}; Path=/; Max-Age={REMEMBERED}; HttpOnly; SameSite=Lax{secure}")
        }
        _ => format!("theme=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax{secure}"),
    };
    ([(SET_COOKIE, cookie)], see_other(own_path(fields.get("next")).unwrap_or("/"))).into_response()
}
