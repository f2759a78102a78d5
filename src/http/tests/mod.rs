//! The edge against a real port.
pub(crate) mod toy;
