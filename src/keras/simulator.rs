//! The simulator layer as it stands in a config: CLASSES' `ErrorSimulator`, its keys and its placeholders.

use serde_json::{Map, Value, json};

/// The layer's class name in a config.
pub const CLASS: &str = "ErrorSimulator";

/// The constructor argument that holds the wrong values, one array a site.
pub const INJECTIONS_KEY: &str = "available_injection_sites";
/// The constructor argument that holds the masks, one array a site: 0 at a corrupted cell, 1 elsewhere.
pub const MASKS_KEY: &str = "masks";
/// The constructor argument that holds the number of sites.
pub const COUNT_KEY: &str = "num_inj_sites";

/// What stands for the injections until sites are filled in.
pub const INJECTIONS_PLACEHOLDER: &str = "INJ_SITES";
/// What stands for the masks until sites are filled in.
pub const MASKS_PLACEHOLDER: &str = "MASKS";
/// What stands for the number of sites until sites are filled in.
pub const COUNT_PLACEHOLDER: &str = "NUM_INJECTION_SITES";

/// All three placeholders.
pub const PLACEHOLDERS: [&str; 3] = [INJECTIONS_PLACEHOLDER, MASKS_PLACEHOLDER, COUNT_PLACEHOLDER];

/// Each key with the placeholder that belongs there.
pub const SLOTS: [(&str, &str); 3] =
    [(INJECTIONS_KEY, INJECTIONS_PLACEHOLDER), (MASKS_KEY, MASKS_PLACEHOLDER), (COUNT_KEY, COUNT_PLACEHOLDER)];

/// The `config` of a simulator that still awaits its sites. `dtype` is a dtype policy as Keras writes it.
pub fn unfilled_config(name: &str, dtype: Value) -> Map<String, Value> {
    let mut config = Map::new();
    config.insert("name".to_owned(), json!(name));
    config.insert("trainable".to_owned(), json!(false));
    config.insert("dtype".to_owned(), dtype);
    for (key, placeholder) in SLOTS {
        config.insert(key.to_owned(), json!(placeholder));
    }
    config
}

/// Whether a class is the simulator, be it registered under a package (`custom>ErrorSimulator`).
pub fn is_simulator(class: &str) -> bool {
    class.rsplit('>').next() == Some(CLASS)
}
