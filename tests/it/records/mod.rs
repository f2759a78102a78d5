//! Records: made, changed, archived, brought back and found again.

mod accounts;
mod at_once;
mod computed;
mod contacts;
mod deals;
mod every_noun;
mod external_ids;
mod leads_and_stories;
mod leavers;
mod references;
mod same_text;
mod standards;
mod unique;
mod values;
