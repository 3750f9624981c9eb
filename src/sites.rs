//! An injection site: one corrupted output tensor of one layer, the effect of one transient fault.
//!
//! A site names only the cells that went wrong; everything else in the tensor is what the layer
//! computed. It is [`drawn`], or read from [`lines`] of JSON or [`npy`] files, and becomes such a line, such a file, or
//! part of many that are held [`packed`], from which a config gets arrays, [`dense`] or sparse: [`pass`] brings any source
//! into any form.

pub mod dense;
pub mod drawn;
pub mod each;
pub mod lines;
pub mod npy;
pub mod packed;
pub mod pass;
pub mod run;
