//! What can go wrong for people who sign in over the API, as opposed to a key: their password, their second factor, their
//! session and their role.

use axum::http::StatusCode;

use super::{CHALLENGE, INVALID_TOKEN, Problem};

impl Problem {
    /// 401 for somebody who signs in, not for a key.
    pub fn wrong_password() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "authentication_error",
            "unauthorized",
            "The email or the password is not right.",
        )
        .with_challenge(CHALLENGE)
    }

    /// The password was right; what comes after it is missing.
    pub fn second_factor_required() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "authentication_error",
            "second_factor_required",
            "This account has two-factor: send code too, the six digits of the app or a recovery code.",
        )
        .with_challenge(CHALLENGE)
    }

    pub fn wrong_code() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "authentication_error",
            "unauthorized",
            "The code is not right, or was used before.",
        )
        .with_challenge(CHALLENGE)
    }

    /// No key manages people.
    pub fn session_required() -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "permission_error",
            "session_required",
            "No API key manages people. Use the session token of POST /api/auth/login.",
        )
    }

    pub fn role_required(act: &str) -> Self {
        Self::forbidden(format!("Your role does not let you {act}. Ask an administrator of your account."))
    }

    /// They proved who they are too long ago for what they ask.
    pub fn stale_session() -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "permission_error",
            "reauthentication_required",
            "This is only done within five minutes of signing in. Sign in again, and go on.",
        )
    }

    pub fn second_factor_missing() -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "permission_error",
            "second_factor_missing",
            "This account asks everybody for two-factor. Sign in on the web and set it up first.",
        )
    }

    pub fn spent_token() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "authentication_error",
            "unauthorized",
            "This refresh token is not valid. Sign in again.",
        )
        .with_challenge(INVALID_TOKEN)
    }
}
