//! What an edit does to a config, before it is spelt as a JSON Patch.

use json_patch::jsonptr::PointerBuf;
use serde_json::Value;

use crate::graph::Reference;

/// One thing that an edit does.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// The edit is meant for a config in which this layer stands here.
    Expect {
        /// Where the layer's name is written.
        at: PointerBuf,
        /// The name.
        name: String,
    },
    /// A wire leads to another tensor.
    Rewire {
        /// Where `[layer, node, tensor]` is written.
        at: PointerBuf,
        /// What is written there.
        old: Reference,
        /// What shall be.
        new: Reference,
    },
    /// A leaf gets another value.
    Set {
        /// The leaf.
        at: PointerBuf,
        /// Its value.
        old: Value,
        /// Its new value.
        new: Value,
    },
    /// New layers.
    Insert {
        /// The array of layers.
        layers_at: PointerBuf,
        /// The index that the first of them gets.
        index: usize,
        /// Their entries.
        entries: Vec<Value>,
    },
    /// A layer goes.
    Remove {
        /// The array of layers.
        layers_at: PointerBuf,
        /// Its index.
        index: usize,
    },
}
