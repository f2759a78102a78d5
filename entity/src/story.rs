//! Stories: what the company says, to whom, and how it varies.

use crate::{Department, Motion, persona::PersonaId, record::record, user::UserId};

record! {
    /// A messaging story: a core story, or a variant of one for a persona and a motion.
    Story(StoryId = "stry") in "story", "stories";
    owner Owner::Library { owner: "owner_id", department: "department" };

    columns {
        /// Title of the story.
        title: String => write().always_shown().sort().search().fold("title_fold");
        /// Fold key of the title.
        title_fold: String => physical();
        /// The message in one sentence.
        message: Option<String> => write().max(1_000);
        /// The whole story.
        body: Option<String> => write().max(50_000);
        /// The core story this one varies; null for a core story.
        core_id: Option<StoryId> => link("core");
        /// The persona it is told to; null for everybody.
        persona_id: Option<PersonaId> => link("persona");
        /// The motion it is told in; null for all.
        motion: Option<Motion> => write().sort().group();
        /// The department that answers for the story.
        department: Department => write().group().default(Department::Marketing.as_str());
        /// Who keeps the story.
        owner_id: Option<UserId> => link("owner");
    }
    links {
        /// The variants of this core story.
        variants: Story Many { column: "core_id" };
    }
}
