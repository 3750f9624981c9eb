//! Changes spelt as a JSON Patch (RFC 6902).
//!
//! The patch is meant to be read, diffed and kept: first `test`s that name the layers it is made for, then a `test`
//! of the old value before each `replace`, at leaves only (names, indexes; never floats, which other tools respell),
//! last the `add`s and `remove`s, highest index first, so that every index in it is an index of the original.

mod apply;

use std::cmp::Ordering;

use json_patch::jsonptr::{Pointer, PointerBuf};
use json_patch::{AddOperation, Patch, PatchOperation, RemoveOperation, ReplaceOperation, TestOperation};
use serde_json::{Value, json};
use thiserror::Error;

pub use apply::{apply, from_value};

use crate::change::Change;
use crate::graph::Reference;
use crate::text::shown;

/// Why a patch cannot be applied.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum PatchError {
    /// The text is JSON, but no patch.
    #[error("the patch is not one of RFC 6902: {0}")]
    Malformed(String),
    /// A `test` found something else: the patch is meant for another model.
    #[error("operation {index} of the patch: the test at {at} fails: {found} stands there, not {expected}", at = shown(.at.as_str()))]
    TestFailed {
        /// Which operation, from 0.
        index: usize,
        /// Where.
        at: PointerBuf,
        /// The value the patch wants.
        expected: String,
        /// The value there is.
        found: String,
    },
    /// An operation is impossible.
    #[error("operation {index} of the patch: {why} at '{at}'", at = shown(.at.as_str()))]
    Impossible {
        /// Which operation, from 0.
        index: usize,
        /// Where.
        at: PointerBuf,
        /// What is wrong.
        why: String,
    },
    /// An operation would make the document deeper or larger than any model's config.
    #[error("operation {index} of the patch: {why} at '{at}'", at = shown(.at.as_str()))]
    Excess {
        /// Which operation, from 0.
        index: usize,
        /// Where.
        at: PointerBuf,
        /// What is wrong.
        why: &'static str,
    },
}

/// Spells changes as a patch. The same changes give the same patch.
pub fn build(changes: &[Change]) -> Patch {
    let mut tests: Vec<PatchOperation> = Vec::new();
    let mut replaces: Vec<(PointerBuf, Vec<PatchOperation>)> = Vec::new();
    let mut moves: Vec<(PointerBuf, Vec<PatchOperation>)> = Vec::new();
    for change in changes {
        match change {
            Change::Expect { at, name } => {
                let operation = test(at.clone(), json!(name));
                if !tests.contains(&operation) {
                    tests.push(operation);
                }
            }
            Change::Rewire { at, old, new } => replaces.push((at.clone(), rewire(at, old, new))),
            Change::Set { at, old, new } => {
                replaces.push((at.clone(), vec![test(at.clone(), old.clone()), replace(at.clone(), new.clone())]));
            }
            Change::Insert { layers_at, index, entries } => {
                let path = joined(layers_at, *index);
                // Each lands at the same index, so the last goes in first.
                let adds = entries
                    .iter()
                    .rev()
                    .map(|entry| PatchOperation::Add(AddOperation { path: path.clone(), value: entry.clone() }));
                moves.push((path.clone(), adds.collect()));
            }
            Change::Remove { layers_at, index } => {
                let path = joined(layers_at, *index);
                moves.push((path.clone(), vec![PatchOperation::Remove(RemoveOperation { path })]));
            }
        }
    }
    replaces.sort_by(|a, b| document_order(&a.0, &b.0));
    moves.sort_by(|a, b| document_order(&b.0, &a.0));
    let rest = replaces.into_iter().chain(moves).flat_map(|(_, operations)| operations);
    Patch(tests.into_iter().chain(rest).collect())
}

/// The whole wire is tested, for a patch that fits another model by half would do harm; only what differs is replaced.
fn rewire(at: &PointerBuf, old: &Reference, new: &Reference) -> Vec<PatchOperation> {
    let places = [
        (json!(old.name), json!(new.name)),
        (json!(old.node), json!(new.node)),
        (json!(old.tensor), json!(new.tensor)),
    ];
    let tests = places.iter().enumerate().map(|(index, (old, _))| test(joined(at, index), old.clone()));
    let replaces = places
        .iter()
        .enumerate()
        .filter(|(_, (old, new))| old != new)
        .map(|(index, (_, new))| replace(joined(at, index), new.clone()));
    tests.chain(replaces).collect()
}

fn test(path: PointerBuf, value: Value) -> PatchOperation {
    PatchOperation::Test(TestOperation { path, value })
}

fn replace(path: PointerBuf, value: Value) -> PatchOperation {
    PatchOperation::Replace(ReplaceOperation { path, value })
}

fn joined(at: &PointerBuf, index: usize) -> PointerBuf {
    let mut at = at.clone();
    at.push_back(index);
    at
}

/// The order in which places come in the document, indexes by number.
fn document_order(a: &Pointer, b: &Pointer) -> Ordering {
    let mut tokens = a.tokens().zip(b.tokens());
    tokens
        .find_map(|(a, b)| {
            let (a, b) = (a.decoded(), b.decoded());
            let order = match (a.parse::<usize>(), b.parse::<usize>()) {
                (Ok(a), Ok(b)) => a.cmp(&b),
                _ => a.cmp(&b),
            };
            order.is_ne().then_some(order)
        })
        .unwrap_or_else(|| a.count().cmp(&b.count()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::Arrays;

    fn at(path: &str) -> PointerBuf {
        PointerBuf::parse(path).expect("a pointer")
    }

    #[test]
    fn adds_come_last_and_from_the_highest_index_down() {
        let insert = |layers_at: &str, index| Change::Insert {
            layers_at: at(layers_at),
            index,
            entries: vec![json!("first"), json!("second")],
        };
        let patch = build(&[
            insert("/config/layers", 3),
            insert("/config/layers", 10),
            insert("/config/layers/5/config/layers", 1),
            Change::Set { at: at("/config/layers/11/a"), old: json!(1), new: json!(2) },
        ]);
        let paths: Vec<String> = patch.0.iter().map(|operation| operation.path().to_string()).collect();
        assert_eq!(
            paths,
            [
                "/config/layers/11/a",
                "/config/layers/11/a",
                "/config/layers/10",
                "/config/layers/10",
                "/config/layers/5/config/layers/1",
                "/config/layers/5/config/layers/1",
                "/config/layers/3",
                "/config/layers/3",
            ]
        );
        let mut document = json!({"config": {"layers": [0, 1, 2, 3, 4, {"config": {"layers": ["x", "y"]}}, 6, 7, 8, 9, 10, {"a": 1}]}});
        apply(&mut document, &patch, &Arrays::default()).expect("applies");
        assert_eq!(
            document,
            json!({"config": {"layers": [0, 1, 2, "first", "second", 3, 4, {"config": {"layers": ["x", "first", "second", "y"]}},
                6, 7, 8, 9, "first", "second", 10, {"a": 2}]}})
        );
    }
}
