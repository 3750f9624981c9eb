//! What Keras' own format holds, be it an archive or a folder, and how the texts in it are read.
//!
//! | member | what |
//! | --- | --- |
//! | `metadata.json` | the version of Keras that wrote it, and when |
//! | `config.json` | the graph, and how the model was compiled |
//! | `model.weights.h5` | the weights: a group for each layer, found by class and place |
//! | `assets/...` | files of layers, such as vocabularies, in folders of the same names |

use std::path::Path;

use serde_json::Value;

use super::{CONFIG, Limit, ModelFileError, TreePlan};
use crate::json::{self, Arrays, Reading, Spelling};

/// The member that holds the config.
pub(super) const CONFIG_MEMBER: &str = "config.json";
/// The member that says who wrote the model.
pub(super) const METADATA_MEMBER: &str = "metadata.json";
/// The member that holds the weights.
pub(super) const WEIGHTS_MEMBER: &str = "model.weights.h5";
/// The folder of files that belong to layers.
pub(super) const ASSETS: &str = "assets";

/// All of them.
pub(super) const MEMBERS: [&str; 4] = [METADATA_MEMBER, CONFIG_MEMBER, WEIGHTS_MEMBER, ASSETS];

/// What the weights are in where they are in NumPy's form.
pub(super) const NPZ: &str = "NumPy's form (.npz)";
/// Other forms of weights, which Keras writes and does not load with a model.
const OTHER_WEIGHTS: [(&str, &str); 2] =
    [("model.weights.npz", NPZ), ("model.weights.json", "shards (model.weights.json)")];

/// The parts of the config that stand beside the graph.
const PARTS: [&str; 4] = ["compile_config", "build_config", "module", "registered_name"];
/// The most bytes of a `metadata.json`; Keras' has a hundred.
const MOST_METADATA: u64 = 1 << 20;
/// The most bytes of a config that is not in memory as it is.
const MOST_CONFIG: u64 = u32::MAX as u64;

/// The longest config: as that of an `.h5` file, since all is read by what bounds texts.
pub(super) const LIMIT: Limit = Limit { most: u32::MAX as u64, holder: "a config.json" };

/// What is read of a config beside the graph: the parts, and what is in them.
fn part(key: &str) -> Reading {
    if PARTS.contains(&key) { Reading::Whole } else { Reading::Nothing }
}

/// Refuses what has not the members of a model; `other` is the error where there is nothing of Keras in it.
pub(super) fn refuse_incomplete(
    path: &Path,
    has: impl Fn(&str) -> bool,
    other: impl Fn() -> ModelFileError,
) -> Result<(), ModelFileError> {
    let path = || path.to_owned();
    let other_weights = OTHER_WEIGHTS.into_iter().find(|(name, _)| has(name));
    match (has(CONFIG_MEMBER), has(WEIGHTS_MEMBER), other_weights) {
        (true, true, _) => Ok(()),
        (true, false, other) => Err(ModelFileError::NoWeights { path: path(), form: other.map(|(_, form)| form) }),
        (false, false, None) => Err(other()),
        (false, ..) => Err(ModelFileError::WeightsOnly { path: path(), missing: format!("no {CONFIG_MEMBER}") }),
    }
}

/// What an `.h5` file has as an attribute: [`CONFIG`] is the whole `config.json`, some names are parts of it, all else is
/// looked for in `metadata.json`. `read` gives the bytes of a member, of which there are so many at most; `None` where it is not there.
pub(super) fn attribute(
    path: &Path,
    name: &str,
    read: impl Fn(&str, u64) -> Result<Option<Vec<u8>>, ModelFileError>,
) -> Result<Vec<u8>, ModelFileError> {
    if name == CONFIG {
        return read(CONFIG_MEMBER, MOST_CONFIG).map(Option::unwrap_or_default);
    }
    let is_part = PARTS.contains(&name);
    let (member, most) = if is_part { (CONFIG_MEMBER, MOST_CONFIG) } else { (METADATA_MEMBER, MOST_METADATA) };
    let damaged = |why: String| ModelFileError::Damaged { path: path.to_owned(), why: format!("its {member} {why}") };
    let text = read(member, most)?.unwrap_or_else(|| b"{}".to_vec());
    let text = String::from_utf8(text).map_err(|_| damaged("is not UTF-8 text".to_owned()))?;
    // The layers may be gigabytes.
    let wanted = if is_part { part } else { |_: &str| Reading::Whole };
    let mut arrays = Arrays::default();
    let document = json::parse_wanted(&text, wanted, &mut arrays).map_err(|error| damaged(error.to_string()))?;
    let Value::Object(mut fields) = document.value else { return Err(damaged("is not an object".to_owned())) };
    match fields.remove(name) {
        Some(Value::String(text)) => Ok(text.into_bytes()),
        Some(value) if !value.is_null() => {
            let mut text = Vec::new();
            let spelt = json::write_python(&value, &|index, out| arrays.write(index, Spelling::Bare, out), &mut text);
            spelt.map(|()| text).map_err(|error| damaged(error.to_string()))
        }
        _ => {
            let metadata = if is_part { Vec::new() } else { fields.into_iter().map(|(key, _)| key).collect() };
            let there = [CONFIG].into_iter().chain(PARTS).map(str::to_owned).chain(metadata).collect();
            Err(ModelFileError::NoAttribute { path: path.to_owned(), name: name.to_owned(), there })
        }
    }
}

/// The path of a layer's file below the folder of such files, where a member is one.
pub(super) fn asset(name: &str) -> Option<&str> {
    name.strip_prefix(ASSETS)?.strip_prefix('/')
}

/// The name of a member of a changed model, where it is another: files of layers go where the layers' weights go. `None`: the member
/// goes with its layer.
pub(super) fn new_name(name: &str, plan: &TreePlan) -> Option<Option<String>> {
    let Some(path) = asset(name) else { return Some(None) };
    let below = |top: &str| path.strip_prefix(top).filter(|rest| rest.starts_with('/'));
    if plan.removed.iter().any(|top| below(top).is_some()) {
        return None;
    }
    let moves = plan.moved.iter().filter_map(|(from, to)| Some((from.len(), to, below(from)?)));
    Some(moves.max_by_key(|(length, ..)| *length).map(|(_, to, rest)| format!("{ASSETS}/{to}{rest}")))
}
