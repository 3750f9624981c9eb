//! An injection site: one corrupted output tensor of one layer, the effect of one transient fault.
//!
//! A site names only the cells that went wrong; everything else in the tensor is what the layer
//! computed. It travels as a line of JSON ([`lines`]) and reaches the model as a pair of dense
//! arrays ([`dense`], [`npy`]); on the way, many are held [`packed`].

pub mod dense;
pub mod lines;
pub mod npy;
pub mod packed;
pub mod pass;
pub mod run;
