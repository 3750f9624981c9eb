//! The user's model file, whatever its container.

pub mod h5;
