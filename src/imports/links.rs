//! The records that rows link to: looked up for many rows at once, created where the map says so.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use entity::{Kind, table::Field};
use sea_orm::prelude::Uuid;

use super::{Item, LinkRef, cell::shown, check::LOOKUPS};
use crate::{
    access::Action,
    accounts::rules,
    error::{Error, Result, UserCode, UserError},
    store::{self, Change, Draft, fold},
};

/// What a name leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Found {
    One(Uuid),
    /// Several records have the name.
    Many,
    /// The record is archived or out of the actor's reach.
    Away,
}

type Names = HashMap<String, Found>;

/// The records that the rows of a chunk link to.
#[derive(Debug)]
pub(super) struct Links {
    /// The kind of record that the rows bring.
    own: Kind,
    found: HashMap<(Kind, String), Names>,
}

impl Links {
    /// Looks up all links of some rows, with one statement for each kind and way.
    pub async fn look_up(change: &Change, own: Kind, items: impl Iterator<Item = &Item>) -> Result<Self> {
        let mut asked: BTreeMap<(Kind, &str), BTreeSet<&str>> = BTreeMap::new();
        // A row may rename what a later row looks up by its name, so these are looked up one by one.
        for link in items.flat_map(|item| &item.links).filter(|link| link.target != own || !by_field(link)) {
            asked.entry((link.target, &link.system)).or_default().insert(&link.id);
        }
        let mut links = Self { own, found: HashMap::new() };
        for ((kind, system), names) in asked {
            let names: Vec<String> = names.into_iter().map(str::to_owned).collect();
            links.found.insert((kind, system.to_owned()), look_up(change, kind, system, &names).await?);
        }
        Ok(links)
    }

    fn get(&self, link: &LinkRef) -> Option<Found> {
        self.found.get(&(link.target, link.system.clone()))?.get(&link.id).copied()
    }

    /// Keeps what a row has made, once the row is saved.
    pub fn keep(&mut self, made: Vec<(LinkRef, Uuid)>) {
        for (link, id) in made {
            if link.target != self.own || !by_field(&link) {
                self.found.entry((link.target, link.system)).or_default().insert(link.id, Found::One(id));
            }
        }
    }

    /// The record that a link leads to. One that is not there is looked up once more, since a row before
    /// may have made it, and then created where the map says so; that is added to `made`.
    pub async fn resolve(&self, change: &mut Change, link: &LinkRef, made: &mut Vec<(LinkRef, Uuid)>) -> Result<Uuid> {
        let kind = link.target.name();
        let earlier = made
            .iter()
            .find(|(other, _)| (other.target, &other.system, &other.id) == (link.target, &link.system, &link.id));
        let mut found = self.get(link).or(earlier.map(|(_, id)| Found::One(*id)));
        if found.is_none() {
            found = look_up(change, link.target, &link.system, std::slice::from_ref(&link.id)).await?.remove(&link.id);
            if let Some(Found::One(id)) = found {
                made.push((link.clone(), id));
            }
        }
        match (found, &link.create) {
            (Some(Found::One(id)), _) => Ok(id),
            (Some(Found::Many), _) => {
                Err(refuse(link, UserCode::Conflict, &format!("is the {} of several {kind} records", link.system)))
            }
            (Some(Found::Away), _) => Err(refuse(
                link,
                UserCode::NotFound,
                &format!("exists in {}, but its {kind} is archived or you do not have access to it", link.system),
            )),
            (None, None) => {
                let way = if by_field(link) {
                    format!("has this {}", link.system)
                } else {
                    format!("has this id in {}", link.system)
                };
                Err(refuse(link, UserCode::NotFound, &format!("leads nowhere: no {kind} that you may see {way}")))
            }
            (None, Some(values)) => {
                let nouns = change.store().backend().nouns();
                let Some(noun) = nouns.of(link.target).filter(|noun| noun.verbs().create) else {
                    return Err(refuse(
                        link,
                        UserCode::Forbidden,
                        &format!("leads nowhere, and {kind} records cannot be created"),
                    ));
                };
                let create = async {
                    let mut draft = Draft::read(link.target, values, true, (&change.store().actor().policy, &[]))?;
                    draft.external_ids.push((link.system.clone(), link.id.clone()));
                    noun.create(change, draft).await
                };
                let id = match create.await {
                    Err(Error::Input(mistakes)) => {
                        let why: Vec<String> = mistakes.iter().map(|mistake| mistake.message.clone()).collect();
                        return Err(refuse(
                            link,
                            UserCode::Invalid,
                            &format!("leads nowhere, and its {kind} cannot be created: {}", why.join(" ")),
                        ));
                    }
                    done => done?,
                };
                made.push((link.clone(), id));
                Ok(id)
            }
        }
    }
}

fn refuse(link: &LinkRef, code: UserCode, why: &str) -> Error {
    UserError::new(code, "", format!("{}: {} {why}", link.label, shown(&link.id))).into()
}

fn by_field(link: &LinkRef) -> bool {
    LOOKUPS.contains(&link.system.as_str())
}

async fn look_up(change: &Change, kind: Kind, system: &str, names: &[String]) -> Result<Names> {
    if !LOOKUPS.contains(&system) {
        let linked = change.linked(kind, system, names).await?;
        return Ok(linked
            .into_iter()
            .map(|(name, id, seen)| (name, if seen { Found::One(id) } else { Found::Away }))
            .collect());
    }
    let Some(field) = kind.table().field(system) else {
        return Err(Error::internal(format!("a map looks {} up by {system}", kind.name())));
    };
    if change.store().actor().policy.hides(kind, system)
        && change.store().actor().policy.reach(kind, Action::Read) > crate::access::Reach::None
    {
        return Err(UserError::new(
            UserCode::Forbidden,
            "map",
            format!("You do not have permission to look up {} records by {system}.", kind.name()),
        )
        .because("FIELD_HIDDEN")
        .into());
    }
    // As it is stored, by as it is written.
    let nouns = change.store().backend().nouns();
    let key = |name: &String| match (kind, system) {
        (Kind::Account, "domain") => rules::domain(name).unwrap_or_default(),
        _ if is_named(field) => store::key(name),
        _ => nouns.of(kind).map_or_else(|| name.clone(), |noun| noun.normalise(system, name)),
    };
    let mut written: HashMap<String, Vec<&String>> = HashMap::new();
    for name in names {
        written.entry(key(name)).or_default().push(name);
    }
    written.remove("");
    let keys: Vec<String> = written.keys().cloned().collect();
    let rows = match (kind, system) {
        (Kind::Stage, "name") => change.stages().await?,
        (Kind::Account, "domain") => {
            let mut rows = change.called(kind, field, &keys).await?;
            rows.extend(change.by_further_domains(&keys).await?);
            rows
        }
        _ if is_named(field) => {
            let folds: Vec<String> = names.iter().map(|name| fold(name)).collect();
            let rows = change.called(kind, field, &folds).await?;
            rows.into_iter().map(|(name, id)| (store::key(&name), id)).collect()
        }
        _ => change.called(kind, field, &keys).await?,
    };
    let mut found = Names::new();
    for (key, id) in rows {
        for name in written.get(&key).into_iter().flatten() {
            let known = found.entry((*name).clone()).or_insert(Found::One(id));
            if *known != Found::One(id) {
                *known = Found::Many;
            }
        }
    }
    Ok(found)
}

/// Whether a field holds names, which are the same whatever their case, rather than what is its own key.
fn is_named(field: &Field) -> bool {
    field.fold.is_some_and(|fold| fold != field.column)
}
