//! The house, drawn from its own `use` lines: arrows run one way, and nothing stands in a circle.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

/// What every room may use, from the ground up. A room that is not named here is a slice.
const GROUND: &[&str] = &["error", "text", "clock", "outward", "telemetry"];
/// What puts the program together, whatever the rest.
const TOP: &[&str] = &["app", "config", "demo", "backup", "health", "main"];
/// What stands beside the slices and knows none.
const EDGE: &[&str] = &["http", "worker"];

/// How high a room stands; what it uses must stand no higher.
fn height(room: &str) -> usize {
    match room {
        room if GROUND.contains(&room) => 0,
        "access" => 1,
        "store" => 2,
        "graphql" => 3,
        "api" => 5,
        room if TOP.contains(&room) => 6,
        _ => 4,
    }
}

/// A module's path from the crate's root.
type Module = Vec<String>;

/// The modules of the program: their code without comments, texts and tests.
fn modules() -> BTreeMap<Module, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let (mut found, mut folders) = (BTreeMap::new(), vec![root.clone()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("the sources are there") {
            let path = entry.expect("it is readable").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let inner = path.strip_prefix(&root).expect("it lies below").with_extension("");
                let mut module: Module = inner.iter().map(|part| part.to_string_lossy().into_owned()).collect();
                if module.last().is_some_and(|last| last == "mod" || last == "lib") {
                    module.pop();
                }
                if !module.iter().any(|part| part == "tests" || part.ends_with("_tests")) {
                    found.insert(module, bare(&fs::read_to_string(&path).expect("it is text")));
                }
            }
        }
    }
    found
}

/// Code without comments, texts and the tests at its end.
fn bare(code: &str) -> String {
    let lines = code.lines().map(|line| line.split("//").next().unwrap_or_default());
    let code = lines.collect::<Vec<_>>().join("\n");
    let code = code.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    code.replace("\\\"", "").split('"').step_by(2).collect::<Vec<_>>().join("")
}

/// Every path of a `use` tree.
fn spread(tree: &str) -> Vec<Vec<String>> {
    let (mut parts, mut depth, mut start) = (Vec::new(), 0, 0);
    for (at, c) in tree.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(&tree[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&tree[start..]);
    let names = |text: &str| -> Vec<String> {
        let name = |part: &str| part.split(" as ").next().unwrap_or_default().trim().to_owned();
        text.split("::").map(name).filter(|name| !name.is_empty()).collect()
    };
    let mut all = Vec::new();
    for part in parts.into_iter().map(str::trim).filter(|part| !part.is_empty()) {
        match part.split_once('{') {
            Some((before, inner)) => {
                let inner = spread(inner.trim_end().strip_suffix('}').unwrap_or(inner));
                all.extend(inner.into_iter().map(|path| [names(before), path].concat()));
            }
            None => all.push(names(part)),
        }
    }
    all
}

/// The house: its modules, and what each re-exports under its own name.
struct House {
    modules: BTreeMap<Module, String>,
    exported: BTreeMap<(Module, String), Vec<String>>,
}

impl House {
    fn draw() -> Self {
        let modules = modules();
        let mut exported = BTreeMap::new();
        for (module, code) in &modules {
            for statement in code.split(';').filter_map(|statement| statement.rsplit_once("pub")) {
                let Some((visibility, tree)) = statement.1.split_once("use ") else { continue };
                if !visibility.trim().is_empty() && !visibility.trim().starts_with('(') {
                    continue;
                }
                for path in spread(tree) {
                    let name = path.last().cloned().unwrap_or_default();
                    exported.insert((module.clone(), name), path);
                }
            }
        }
        Self { modules, exported }
    }

    /// The paths that a module uses, from the crate's root.
    fn used(&self, module: &Module) -> Vec<Vec<String>> {
        let code = &self.modules[module];
        let mut paths = Vec::new();
        for statement in code.split(';') {
            if let Some((_, tree)) = statement.rsplit_once("use ") {
                paths.extend(spread(tree));
            }
        }
        for start in ["crate::", "super::"] {
            for (at, _) in code.match_indices(start) {
                let path: String =
                    code[at..].chars().take_while(|c| c.is_alphanumeric() || matches!(c, '_' | ':')).collect();
                paths.push(path.split("::").filter(|name| !name.is_empty()).map(str::to_owned).collect());
            }
        }
        paths.iter().filter_map(|path| self.rooted(module, path)).collect()
    }

    fn rooted(&self, module: &Module, path: &[String]) -> Option<Vec<String>> {
        let mut here = module.clone();
        match path.first()?.as_str() {
            "crate" | "tandem" => return Some(path[1..].to_vec()),
            "self" | "super" => {}
            child if self.modules.contains_key(&[module.clone(), vec![child.to_owned()]].concat()) => {}
            _ => return None,
        }
        let mut rest = path;
        while let Some((first, others)) = rest.split_first() {
            match first.as_str() {
                "super" => drop(here.pop()),
                "self" => {}
                _ => break,
            }
            rest = others;
        }
        Some([here, rest.to_vec()].concat())
    }

    /// The module in which a path ends, through what modules re-export.
    fn home(&self, path: &[String], hops: usize) -> Module {
        let mut module = Module::new();
        for (at, name) in path.iter().enumerate() {
            let inner = [module.clone(), vec![name.clone()]].concat();
            if self.modules.contains_key(&inner) {
                module = inner;
                continue;
            }
            let exported = self.exported.get(&(module.clone(), name.clone())).filter(|_| hops < 5);
            if let Some(target) = exported.and_then(|target| self.rooted(&module, target)) {
                return self.home(&[target, path[at + 1..].to_vec()].concat(), hops + 1);
            }
            break;
        }
        module
    }

    /// The arrows between neighbours: the folder in which they stand, and who uses whom because of which two modules.
    fn arrows(&self) -> BTreeMap<Module, BTreeMap<(String, String), String>> {
        let mut arrows: BTreeMap<Module, BTreeMap<(String, String), String>> = BTreeMap::new();
        for module in self.modules.keys() {
            for path in self.used(module) {
                let target = self.home(&path, 0);
                let shared = module.iter().zip(&target).take_while(|(one, other)| one == other).count();
                // A module and the room that it opens are one thing.
                if shared < module.len() && shared < target.len() {
                    let pair = (module[shared].clone(), target[shared].clone());
                    let because = format!("{} uses {}", module.join("::"), target.join("::"));
                    arrows.entry(module[..shared].to_vec()).or_default().entry(pair).or_insert(because);
                }
            }
        }
        arrows
    }
}

/// Those that lead from a neighbour back to it.
fn circles(arrows: &BTreeMap<(String, String), String>) -> Vec<&String> {
    let reached = |from: &str| {
        let (mut reached, mut next) = (BTreeSet::new(), vec![from.to_owned()]);
        while let Some(one) = next.pop() {
            for (_, to) in arrows.keys().filter(|(from, _)| *from == one) {
                if reached.insert(to.clone()) {
                    next.push(to.clone());
                }
            }
        }
        reached
    };
    arrows.iter().filter(|((from, to), _)| reached(to).contains(from)).map(|(_, because)| because).collect()
}

#[test]
fn no_module_stands_in_a_circle_with_its_neighbours() {
    let arrows = House::draw().arrows();
    assert!(arrows[&Module::new()].len() > 50, "the arrows were read: {}", arrows[&Module::new()].len());
    let found: Vec<&String> = arrows.values().flat_map(circles).collect();
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn a_circle_is_found() {
    let arrow = |from: &str, to: &str| ((from.to_owned(), to.to_owned()), format!("{from} uses {to}"));
    let arrows = BTreeMap::from([arrow("a", "b"), arrow("b", "c"), arrow("c", "b"), arrow("c", "d")]);
    assert_eq!(circles(&arrows), ["b uses c", "c uses b"]);
}

#[test]
fn no_arrow_runs_up() {
    let arrows = House::draw().arrows();
    let up = |((from, to), _): &(&(String, String), &String)| {
        let edge = |room: &String| EDGE.contains(&room.as_str());
        // The edge knows no slice, and no slice knows the server; a slice says by itself what its jobs do.
        height(to) > height(from)
            || (height(to) == 4 && (edge(from) || to == "http") && to != from && height(from) == 4)
    };
    let found: Vec<&String> = arrows[&Module::new()].iter().filter(up).map(|(_, because)| because).collect();
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn rules_are_pure() {
    let house = House::draw();
    let rules = house.modules.iter().filter(|(module, _)| module.last().is_some_and(|last| last == "rules"));
    let impure = rules.filter(|(_, code)| ["async ", "Change", "Store"].iter().any(|word| code.contains(word)));
    let found: Vec<String> = impure.map(|(module, _)| module.join("::")).collect();
    assert!(found.is_empty(), "{found:#?}");
}
