//! Stories: what the company says, to whom, and how it varies.

use crate::{Department, Motion, persona::PersonaId, record::record, user::UserId};

record! {
    /// A messaging story: a core story, or a variant of one for a persona and a motion.
    Story(StoryId = "stry") in "story", "stories";
    owner Owner::Library { owner: "owner_id", department: "department" };
    display Column "title";

    columns {
        /// Title of the story.
        title: String => write().always_shown().sort().search().fold("title_fold");
        /// Fold key of the title.
        title_fold: String => physical();
        /// Key message in one sentence.
        message: Option<String> => write().max(1_000);
        /// Full text of the story.
        body: Option<String> => write().max(50_000);
        /// Core story that this story is a variant of; null for a core story.
        core_id: Option<StoryId> => link("core");
        /// Persona that the story addresses; null if it addresses everyone.
        persona_id: Option<PersonaId> => link("persona");
        /// Go-to-market motion that the story is used in; null if it is used in all.
        motion: Option<Motion> => write().sort().group();
        /// Department responsible for the story.
        department: Department => write().group().default(Department::Marketing.as_str());
        /// User responsible for the story.
        owner_id: Option<UserId> => link("owner");
    }
    links {
        /// Variants of this core story.
        variants: Story Many { column: "core_id" };
    }
}
