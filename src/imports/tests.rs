//! Whole imports, from bytes to rows.
