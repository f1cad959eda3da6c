//! The pages, one file per screen. Each holds its page struct, its handlers, and nothing that another screen could
//! want.

pub mod audit_log;
pub mod docs;
pub mod forgot_password;
pub mod google;
pub mod home;
pub mod inboxes;
pub mod invitation;
pub mod key_lifetime;
pub mod keys;
pub mod re_authenticate;
pub mod report_leaked_key;
pub mod reset_password;
pub mod security;
pub mod sign_in;
pub mod sign_out;
pub mod sign_up;
pub mod support;
pub mod team;
pub mod theme;
pub mod two_factor;
pub mod usage;
pub mod verify_email;
pub mod welcome;
