//! What an error of the database means: for whoever asked, and for the connection it came over.

use sea_orm::{DbErr, RuntimeErr, SqlxError};

use crate::error::{Code, Error};

/// What an error of the database means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Two changes stood in each other's way (deadlock, serialisation failure): the whole change may be tried again.
    Collision,
    /// Nothing can be stored: the disk is full, or writing to it fails.
    StorageFull,
    /// Nothing may be stored: the disk or the server takes no writes, as a standby does not.
    ReadOnly,
    /// Others hold what is needed: a lock, or all connections.
    Busy,
    /// A statement ran longer than it may.
    TooSlow,
    /// The database does not answer, or the connection to it was lost.
    OutOfReach,
    /// The file is damaged or no database.
    Damaged,
    /// The statement itself is at fault: a constraint, a mistake.
    Statement,
}

impl Fault {
    /// Reads an error.
    #[must_use]
    pub fn of(error: &SqlxError) -> Self {
        match error {
            SqlxError::PoolTimedOut => Self::Busy,
            SqlxError::Io(error) if error.kind() == std::io::ErrorKind::ReadOnlyFilesystem => Self::ReadOnly,
            SqlxError::Io(_)
            | SqlxError::Tls(_)
            | SqlxError::Protocol(_)
            | SqlxError::PoolClosed
            | SqlxError::WorkerCrashed => Self::OutOfReach,
            SqlxError::Database(error) => error.code().map_or(Self::Statement, |code| Self::of_code(&code)),
            _ => Self::Statement,
        }
    }

    /// Reads an error of sea-orm, which wraps one.
    #[must_use]
    pub fn of_orm(error: &DbErr) -> Self {
        match error {
            DbErr::ConnectionAcquire(_) | DbErr::Conn(_) => Self::OutOfReach,
            DbErr::Exec(RuntimeErr::SqlxError(error)) | DbErr::Query(RuntimeErr::SqlxError(error)) => Self::of(error),
            _ => Self::Statement,
        }
    }

    /// PostgreSQL's codes have five characters; SQLite's are numbers whose low byte says what it is.
    fn of_code(code: &str) -> Self {
        if code.len() != 5 {
            return code.parse::<u32>().map_or(Self::Statement, |code| Self::of_sqlite(code & 0xff));
        }
        match code {
            "40001" | "40P01" => Self::Collision,
            "53100" | "58030" => Self::StorageFull,
            "25006" => Self::ReadOnly,
            "55P03" | "53300" => Self::Busy,
            "57014" => Self::TooSlow,
            "25P03" | "53200" => Self::OutOfReach,
            "XX001" | "XX002" => Self::Damaged,
            code if code.starts_with("08") || code.starts_with("57P") => Self::OutOfReach,
            _ => Self::Statement,
        }
    }

    const fn of_sqlite(primary: u32) -> Self {
        match primary {
            5 | 6 => Self::Busy,
            7 | 14 => Self::OutOfReach,
            8 => Self::ReadOnly,
            9 => Self::TooSlow,
            10 | 13 => Self::StorageFull,
            11 | 26 => Self::Damaged,
            _ => Self::Statement,
        }
    }

    /// Whether the connection must not be used again. On SQLite such an error may have ended the transaction
    /// without a word; on PostgreSQL the server may be gone, or be one that takes no writes.
    #[must_use]
    pub const fn ends_connection(self) -> bool {
        matches!(self, Self::StorageFull | Self::ReadOnly | Self::OutOfReach | Self::Damaged)
    }

    /// What the client is told; nothing where the error is a fault of ours.
    #[must_use]
    pub fn refusal(self) -> Option<Error> {
        let (code, reason, message) = match self {
            Self::Collision => (
                Code::Conflict,
                "CONCURRENT_CHANGE",
                "Other requests changed the same records at the same moment; try again.",
            ),
            Self::StorageFull => {
                (Code::ServiceUnavailable, "STORAGE_FULL", "The database cannot store anything right now.")
            }
            Self::ReadOnly => (Code::ServiceUnavailable, "STORAGE_READ_ONLY", "The database is currently read-only."),
            Self::Busy => {
                (Code::ServiceUnavailable, "DATABASE_BUSY", "The database is busy with other requests; try again.")
            }
            Self::TooSlow => (Code::Timeout, "STATEMENT_TIMEOUT", "The request needs more time than one may take."),
            Self::OutOfReach => (
                Code::ServiceUnavailable,
                "DATABASE_UNREACHABLE",
                "The database cannot be reached right now; try again.",
            ),
            Self::Damaged => (Code::ServiceUnavailable, "DATABASE_DAMAGED", "The database cannot be read."),
            Self::Statement => return None,
        };
        Some(Error::refused_because(code, reason, message))
    }

    /// The error for the client of a fault that was found without an error of the database.
    #[must_use]
    pub fn error(self) -> Error {
        self.refusal().unwrap_or_else(|| Error::internal("a statement failed"))
    }

    /// The error for the client, with the cause in the log.
    pub fn error_for(self, cause: impl std::error::Error + Send + Sync + 'static) -> Error {
        let Some(refusal) = self.refusal() else { return Error::internal(cause) };
        match self {
            Self::Collision => tracing::debug!(error = %cause, "changes collided"),
            Self::Busy | Self::TooSlow => tracing::warn!(error = %cause, "the database was not free in time"),
            _ => tracing::error!(error = %cause, fault = ?self, "the database cannot do what it should"),
        }
        refusal
    }
}

impl From<DbErr> for Error {
    fn from(error: DbErr) -> Self {
        Fault::of_orm(&error).error_for(error)
    }
}

impl From<SqlxError> for Error {
    fn from(error: SqlxError) -> Self {
        Fault::of(&error).error_for(error)
    }
}

/// A commit that was sent and not answered: it may or may not have happened.
pub fn outcome_unknown() -> Error {
    let message = "The database did not confirm the change, which may or may not have been made. \
         Send it again with the same Idempotency-Key: it is made once.";
    Error::refused_because(Code::ServiceUnavailable, "OUTCOME_UNKNOWN", message)
}

#[cfg(test)]
mod tests {
    use super::Fault;

    #[test]
    fn codes_of_both_engines_are_told_apart() {
        for (code, fault) in [
            ("13", Fault::StorageFull),
            ("778", Fault::StorageFull),
            ("1032", Fault::ReadOnly),
            ("517", Fault::Busy),
            ("2067", Fault::Statement),
            ("40P01", Fault::Collision),
            ("40001", Fault::Collision),
            ("53100", Fault::StorageFull),
            ("25006", Fault::ReadOnly),
            ("57P01", Fault::OutOfReach),
            ("08006", Fault::OutOfReach),
            ("55P03", Fault::Busy),
            ("57014", Fault::TooSlow),
            ("23505", Fault::Statement),
        ] {
            assert_eq!(Fault::of_code(code), fault, "{code}");
        }
    }

    #[test]
    fn every_fault_but_the_statements_own_has_a_reason_for_the_client() {
        assert!(Fault::Statement.refusal().is_none());
        for fault in [Fault::Collision, Fault::StorageFull, Fault::ReadOnly, Fault::Busy, Fault::TooSlow] {
            assert!(fault.refusal().is_some(), "{fault:?}");
        }
    }
}
