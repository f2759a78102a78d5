//! Stories: core stories and their variants.

use entity::{Kind, story};
use futures_util::future::BoxFuture;

use crate::{
    error::{Error, Result, UserCode, UserError},
    store::{Change, Draft, Lock, Rules, Slice, Verbs},
};

/// Stories.
pub static STORY: Slice<story::Entity> = Slice::new(Verbs::ALL);

impl Rules for story::Entity {
    /// Variants vary core stories, never other variants.
    fn settle<'a>(
        change: &'a mut Change,
        row: &'a mut story::Model,
        before: Option<&'a story::Model>,
        _: &'a Draft,
    ) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let Some(core) = row.core_id.filter(|core| before.is_none_or(|before| before.core_id != Some(*core)))
            else {
                return Ok(());
            };
            let refuse = |message: &str| {
                Err(Error::from(UserError::new(UserCode::Invalid, "coreId", message).because("NOT_A_CORE_STORY")))
            };
            if core == row.id {
                return refuse("A story cannot be a variant of itself.");
            }
            change.lock(Lock::Tree(Kind::Story)).await?;
            if change.unscoped_rows::<story::Entity>("id", core).await?.iter().any(|core| core.core_id.is_some()) {
                return refuse("The core story must not be a variant; use its core story instead.");
            }
            if change.unscoped_count(Kind::Story, "core_id", row.id.0).await? > 0 {
                return refuse("A story that has variants cannot become a variant.");
            }
            Ok(())
        })
    }
}
