//! Lists: which rows, in which order, on which page, and how they are written.

mod filters;
mod paging;
mod relations;
mod shape;
