//! Tandem: the account-based-marketing backbone of a B2B company, served as a GraphQL API.
pub mod clock;
pub mod error;
pub mod http;
