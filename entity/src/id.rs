//! Typed ids: a `UUIDv7` in storage, `acct_01h…` in the API.

use uuid::Uuid;

use crate::Kind;

const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// Writes a global id: type prefix, `_`, and 26 characters of lower-case Crockford base32.
#[must_use]
pub fn global(kind: Kind, id: Uuid) -> String {
    let mut text = String::with_capacity(32);
    text.push_str(kind.table().prefix);
    text.push('_');
    text.push_str(std::str::from_utf8(&base32(id)).unwrap_or_default());
    text
}

/// The 26 characters of an id, without its prefix.
#[must_use]
pub fn base32(id: Uuid) -> [u8; 26] {
    let mut rest = id.as_u128();
    let mut text = [b'0'; 26];
    for place in text.iter_mut().rev() {
        *place = ALPHABET[(rest & 31) as usize];
        rest >>= 5;
    }
    text
}

/// Reads a global ID of any kind.
#[must_use]
pub fn parse(text: &str) -> Option<(Kind, Uuid)> {
    let (prefix, digits) = text.split_once('_')?;
    let kind = Kind::ALL.into_iter().find(|kind| kind.table().prefix == prefix)?;
    Some((kind, parse_base32(digits)?))
}

/// Reads the 26 characters of an id.
#[must_use]
pub fn parse_base32(digits: &str) -> Option<Uuid> {
    // 26 × 5 = 130 bits, so the first character holds three.
    if digits.len() != 26 || digits.as_bytes()[0] > b'7' {
        return None;
    }
    let mut bits: u128 = 0;
    for byte in digits.bytes() {
        let digit = ALPHABET.iter().position(|&c| c == byte)?;
        bits = bits << 5 | digit as u128;
    }
    Some(Uuid::from_u128(bits))
}

/// Declares the typed id of a table.
macro_rules! typed_id {
    ($id:ident, $kind:ident, $prefix:literal) => {
        #[doc = concat!("Id of a row, `", $prefix, "_…` in the API.")]
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, sea_orm::DeriveValueType,
        )]
        #[serde(into = "String")]
        pub struct $id(pub uuid::Uuid);

        impl From<uuid::Uuid> for $id {
            fn from(id: uuid::Uuid) -> Self {
                Self(id)
            }
        }
        impl From<$id> for uuid::Uuid {
            fn from(id: $id) -> Self {
                id.0
            }
        }
        impl From<$id> for String {
            fn from(id: $id) -> Self {
                id.to_string()
            }
        }
        impl std::fmt::Display for $id {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&$crate::id::global($crate::Kind::$kind, self.0))
            }
        }
        impl sea_orm::TryFromU64 for $id {
            fn try_from_u64(_: u64) -> Result<Self, sea_orm::DbErr> {
                Err(sea_orm::DbErr::ConvertFromU64(stringify!($id)))
            }
        }
        impl $crate::value::ColumnType for $id {
            const TYPE: $crate::table::Type = $crate::table::Type::Key($crate::Kind::$kind);
        }
    };
}
pub(crate) use typed_id;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_global_id_reads_back_and_nothing_else_does() {
        let id = Uuid::from_u128(0x0193_4b6e_0000_7000_8000_0000_0000_0001);
        let text = global(Kind::Account, id);
        assert_eq!(parse(&text), Some((Kind::Account, id)));
        assert_eq!(parse(&text.to_uppercase()), None);
        assert_eq!(parse("acct_"), None);
        assert_eq!(parse("acct_80000000000000000000000000"), None);
        assert_eq!(parse("nope_01h455vb4pex5vsknk084sn02q"), None);
    }
}
