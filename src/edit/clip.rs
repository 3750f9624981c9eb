//! A clip goes in behind a layer: behind all its calls, behind its simulators, and behind an activation that was split off.

use std::collections::{BTreeSet, HashSet};

use super::{EditError, Outputs, expectations, find, follow, free_name, inputs, layer, put_behind, with_way_out};
use crate::change::Change;
use crate::graph::{Address, Graph, Source};
use crate::keras::clip::Clip;
use crate::keras::dtype::Dtype;

/// A clip that is wanted.
#[derive(Debug, Clone, PartialEq)]
pub struct Clipping {
    /// The layer whose output is kept in a range: `conv2d`, or `outer/inner`.
    pub after: String,
    /// The range, and what becomes of what is outside.
    pub clip: Clip,
}

/// Whether the layer's own activation was split off by the insertion of a simulator, behind which a clip would stand.
pub fn is_split(root: &Graph, address: &Address) -> bool {
    let Some(&layer) = address.0.last() else { return false };
    follow::is_split(root.level(address), Source { layer, call: 0, tensor: 0 })
}

/// Whether a layer came in as a simulator or a clip.
pub fn is_inserted(root: &Graph, address: &Address) -> bool {
    let Some(&layer) = address.0.last() else { return false };
    let level = root.level(address);
    follow::passes(level, layer) || follow::is_clip(level, layer)
}

/// Inserts a clip for each request.
pub fn clip(root: &Graph, known: &dyn Outputs, requests: &[Clipping]) -> Result<Vec<Change>, EditError> {
    let mut taken: HashSet<String> =
        root.walk().iter().filter_map(|address| Some(root.trail(address).last()?.name.to_owned())).collect();
    let mut seen = BTreeSet::new();
    let mut changes = Vec::new();
    for request in requests {
        let address = find(root, &request.after).map_err(|error| with_way_out(root, known, error))?;
        if !seen.insert(address.0.clone()) {
            return Err(EditError::Twice { after: request.after.clone() });
        }
        changes.extend(clip_one(root, known, request, &address, &mut taken)?);
    }
    Ok(changes)
}

fn clip_one(
    root: &Graph,
    known: &dyn Outputs,
    request: &Clipping,
    address: &Address,
    taken: &mut HashSet<String>,
) -> Result<Vec<Change>, EditError> {
    let level = root.level(address);
    let path = || request.after.clone();
    let Some(&target) = address.0.last() else { return Err(EditError::unknown_layer(root, &request.after)) };
    let used: BTreeSet<Source> = level.consumers(target).map(|wire| wire.source).collect();
    if used.is_empty() || !level.is_used(target) {
        return Err(EditError::Unused { layer: path() });
    }
    let place = |source: Source| Address([&address.0[..address.0.len() - 1], &[source.layer]].concat());
    let output = |source: Source| known.output(&place(source), source.call, source.tensor);
    let is_float = |source: &Source| output(*source).dtype.is_none_or(Dtype::is_float);
    // Of several outputs, those that are no floats pass by.
    let sources: Vec<Source> =
        used.iter().copied().filter(is_float).map(|source| follow::last(level, source)).collect();
    if sources.is_empty() {
        let dtype = used.first().and_then(|source| output(*source).dtype).unwrap_or(Dtype::INT32);
        return Err(EditError::NotClippable { layer: path(), dtype });
    }
    if let Some(clip) = sources.iter().find_map(|source| follow::clip_of(level, *source)) {
        return Err(EditError::Clipped { layer: path(), clip: level.layers[clip].name.to_owned() });
    }
    let name = free_name(&follow::clip_name(level.layers[target].name), |name| !taken.contains(name));
    taken.insert(name.clone());
    let dims_of = |source: Source| output(source).dims;
    let entry = layer::clip(level, target, &name, &request.clip, &inputs(level, &sources, &dims_of));
    let mut changes = expectations(root, address);
    put_behind(level, &sources, &name, &mut changes);
    let index = sources.iter().map(|source| source.layer).max().unwrap_or(target) + 1;
    changes.push(Change::Insert { layers_at: level.layers_at.clone(), index, entries: vec![entry] });
    Ok(changes)
}
