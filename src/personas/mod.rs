//! Personas: the kinds of people who take part in a purchase.

use entity::persona;

use crate::store::{Rules, Slice, Verbs};

/// Personas.
pub static PERSONA: Slice<persona::Entity> = Slice::new(Verbs::ALL);

impl Rules for persona::Entity {}
