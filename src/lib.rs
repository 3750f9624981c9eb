//! Soft-error simulation in saved Keras models, as a Unix pipe.
//!
//! ```console
//! $ h5-config-get lenet.h5 > config.json
//! $ classes-patch --after conv2d config.json > conv2d.patch.json
//! $ classes-sites --layer conv2d --count 100 --seed 7 config.json > sites.ndjson
//! $ h5-config-set lenet.h5 faulty.h5 --sites sites.ndjson < conv2d.patch.json
//! ```
//!
//! The binaries only turn arguments into options and make one call; everything else is here. Data flows one way.
//!
//! The model: [`model_file`] reads the config's text, [`json`] parses Python's dialect of it, [`config`] makes a [`graph`] of it,
//! [`edit`] decides on [`change`]s, [`patch`] spells them as RFC 6902. For the way back, [`rewrite`] brings together the new
//! config, the sites ([`fill`]) and the order of the saved [`weights`], and [`model_file`] writes: a file that is [`whole`], or none.
//! [`shape`] knows what layers output, [`target`] what of it can be injected, [`list`] and [`dot`] show
//! that, [`keras::simulator`] how the layer itself is written.
//!
//! The faults: an [`error_model`] holds what campaigns measured for an [`operator`]. [`draw`] takes a spatial class from it, whose
//! [`pattern`] gives cells, whose values come from [`value`]; [`classify`] tells what a set of cells looks like, and [`rng`]
//! is the promise that a seed means the same everywhere. A [site](`sites`) is the result, as a line of JSON, as dense arrays or
//! as NumPy files. [`sites::run`] runs all that in parallel, [`ordered`] keeps the output in order. [`plot`] draws pictures of sites.
//!
//! [`cli`] is what the binaries share, [`progress`] what they show of long work.

pub mod change;
pub mod classify;
pub mod cli;
pub mod config;
pub mod dot;
pub mod draw;
pub mod edit;
pub mod error_model;
pub mod fill;
pub mod graph;
pub mod input;
pub mod json;
pub mod keras;
pub mod list;
pub mod model_file;
pub mod operator;
pub mod ordered;
pub mod patch;
pub mod pattern;
pub mod plot;
pub mod progress;
pub mod rewrite;
pub mod rng;
pub mod shape;
pub mod sites;
pub mod target;
pub mod text;
pub mod value;
pub mod weights;
pub mod whole;
