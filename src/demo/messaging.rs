//! Personas and stories of the demo company, which sells software that plans the maintenance of machines, vehicles and buildings.

mod texts;

use entity::{Department, Instant, Texts, persona, story};
use texts::{CORES, PERSONAS, VARIANTS};

use super::{
    Company,
    people::Staff,
    world::{DAY, HOUR, World},
};

/// Fills personas and stories.
pub(super) fn write(world: &mut World, company: &mut Company, staff: &Staff) {
    let begun = world.start.0 + DAY;
    let texts = |texts: &[&str]| Texts(texts.iter().map(|&text| text.to_owned()).collect());
    for (place, text) in (0..).zip(PERSONAS) {
        let at = Instant(begun + place * HOUR);
        let id = world.id(at).into();
        let name_fold = world.fold(text.name);
        company.personas.push(persona::Model {
            id,
            name: text.name.to_owned(),
            name_fold,
            description: Some(text.description.to_owned()),
            goals: texts(text.goals),
            pains: texts(text.pains),
            questions: texts(text.questions),
            objections: texts(text.objections),
            buying_role: Some(text.buying_role),
            seniority: Some(text.seniority),
            job_department: Some(text.department),
            department: Department::Marketing,
            owner_id: Some(staff.product_marketer),
            version: 1,
            created_at: at,
            updated_at: at,
            archived_at: None,
        });
    }
    for (place, &(title, message, body)) in (0..).zip(CORES) {
        let at = Instant(begun + 3 * DAY + place * HOUR);
        let row =
            story::Model { message: Some(message.to_owned()), body: Some(body.to_owned()), ..blank(world, title, at) };
        company.stories.push(story::Model { owner_id: Some(staff.product_marketer), ..row });
    }
    for (place, text) in (0..).zip(VARIANTS) {
        // The variants came one by one, some three weeks apart.
        let at = Instant(begun + (10 + place * 23) * DAY + world.chance.between(0, 8) * HOUR);
        let persona = company.personas.iter().find(|persona| Some(persona.name.as_str()) == text.persona);
        let core = company.stories.iter().find(|story| story.title == CORES[text.core].0);
        let (persona_id, core_id) = (persona.map(|persona| persona.id), core.map(|core| core.id));
        let by_sales = text.department == Department::Sales;
        let row = story::Model {
            message: Some(text.message.to_owned()),
            body: Some(text.body.to_owned()),
            core_id,
            persona_id,
            motion: text.motion,
            department: text.department,
            owner_id: Some(if by_sales { staff.sales_manager } else { staff.editor }),
            ..blank(world, text.title, at)
        };
        company.stories.push(row);
    }
}

fn blank(world: &mut World, title: &str, at: Instant) -> story::Model {
    story::Model {
        id: world.id(at).into(),
        title: title.to_owned(),
        title_fold: world.fold(title),
        message: None,
        body: None,
        core_id: None,
        persona_id: None,
        motion: None,
        department: Department::Marketing,
        owner_id: None,
        version: 1,
        created_at: at,
        updated_at: at,
        archived_at: None,
    }
}
