//! How our own types lie in a column: a text by its `Display` and `FromStr`, a moment as microseconds.

use super::errands;
use crate::clock::Timestamp;
use crate::model::api_key::{AllowedIps, KeyType};
use crate::model::audit::Action;
use crate::model::scopes::Scopes;
use crate::model::user::Role;

/// A type that is one text column, by its `Display` and `FromStr`.
macro_rules! text_column {
    ($($type:ty),* $(,)?) => { $(
        impl<DB: sqlx::Database> sqlx::Type<DB> for $type where String: sqlx::Type<DB> {
            fn type_info() -> DB::TypeInfo {
                <String as sqlx::Type<DB>>::type_info()
            }
            fn compatible(found: &DB::TypeInfo) -> bool {
                <String as sqlx::Type<DB>>::compatible(found)
            }
        }
        impl<'r, DB: sqlx::Database> sqlx::Decode<'r, DB> for $type where String: sqlx::Decode<'r, DB> {
            fn decode(value: DB::ValueRef<'r>) -> Result<Self, sqlx::error::BoxDynError> {
                Ok(<String as sqlx::Decode<'r, DB>>::decode(value)?.parse()?)
            }
        }
    )* };
}

text_column!(AllowedIps, KeyType, Action, Scopes, Role, errands::Kind);

impl<DB: sqlx::Database> sqlx::Type<DB> for Timestamp
where
    i64: sqlx::Type<DB>,
{
    fn type_info() -> DB::TypeInfo {
        <i64 as sqlx::Type<DB>>::type_info()
    }

    fn compatible(found: &DB::TypeInfo) -> bool {
        <i64 as sqlx::Type<DB>>::compatible(found)
    }
}

impl<'r, DB: sqlx::Database> sqlx::Decode<'r, DB> for Timestamp
where
    i64: sqlx::Decode<'r, DB>,
{
    fn decode(value: DB::ValueRef<'r>) -> Result<Self, sqlx::error::BoxDynError> {
        <i64 as sqlx::Decode<'r, DB>>::decode(value).map(Self::from_micros)
    }
}

impl<'q, DB: sqlx::Database> sqlx::Encode<'q, DB> for Timestamp
where
    i64: sqlx::Encode<'q, DB>,
{
    fn encode_by_ref(&self, buffer: &mut DB::ArgumentBuffer) -> Result<sqlx::encode::IsNull, sqlx::error::BoxDynError> {
        self.micros().encode_by_ref(buffer)
    }
}
