//! What is true. Pure: no axum, no SQL, no I/O, no clock reads; time and randomness come in as arguments.

pub mod api_key;
pub mod audit;
pub mod device;
pub mod email;
pub mod envelope;
pub mod id_token;
pub mod inbox;
pub mod key_facts;
pub mod key_form;
pub mod keyring;
pub mod letter;
pub mod mailed_link;
pub mod misfit;
pub mod name;
pub mod oidc_transaction;
pub mod password;
pub mod provider;
pub mod refresh_token;
pub mod scopes;
pub mod seal;
pub mod secret;
pub mod session_token;
pub mod text;
pub mod trusted_proxies;
pub mod usage;
pub mod user;
