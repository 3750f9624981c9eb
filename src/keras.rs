//! What Keras is, as far as saved models show it.

pub mod classes;
pub mod clip;
pub mod computes;
pub mod dtype;
pub mod group_name;
pub mod simulator;
pub mod variables;
pub mod version;
