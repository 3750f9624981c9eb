//! What Keras is, as far as saved models show it.

pub mod classes;
pub mod dtype;
pub mod reading;
pub mod simulator;
pub mod variables;
