//! Soft-error simulation in saved Keras models, as a Unix pipe.
//!
//! ```console
//! $ h5-config-get lenet.h5 > config.json
//! $ classes-patch --after conv2d config.json > conv2d.patch.json
//! $ classes-sites --layer conv2d --count 100 --seed 7 config.json > sites.ndjson
//! $ h5-config-set lenet.h5 faulty.h5 --sites sites.ndjson < conv2d.patch.json
//! ```
//!
//! The binaries only turn arguments into options and make one call; everything else is here. Data flows one way, and so do
//! imports: a module knows those above it in the list below, and those of its own group that do not know it.
//!
//! The model: [`model_file`] reads the config's text, [`json`] parses Python's dialect of it, [`config`] makes a [`graph`] of it,
//! [`edit`] decides on [`change`]s, [`patch`] spells them as RFC 6902. For the way back, [`rewrite`] brings together the new
//! config, the sites ([`fill`]) and the order of the saved [`weights`], and [`model_file`] writes: a file that is [`whole`], or none.
//! [`shape`] knows what layers output, [`target`] what of it can be injected, [`list`] and [`dot`] show
//! that, [`keras::simulator`] how the layer itself is written.
//!
//! The faults: an [`error_model`] holds what campaigns measured for an [`operator`]. [`draw`] takes a spatial class from it, whose
//! [`pattern`] gives cells, whose values come from [`value`]; [`classify`] tells what a set of cells looks like, and [`rng`]
//! is the promise that a seed means the same everywhere. A [site](`fault::Site`) is the result, as a line of JSON, as dense arrays
//! or as NumPy files ([`sites`]). [`sites::run`] runs all that in parallel, [`ordered`] keeps the output in order. [`plot`] draws
//! pictures of sites. Against faults [`harden`] keeps layers within their golden [`ranges`], by [`keras::clip`]s.
//!
//! [`cli`] is what the binaries share.

#![cfg_attr(not(test), warn(clippy::expect_used, clippy::panic, clippy::unwrap_used))]

// Below everything: words, files, threads, numbers.
pub mod input;
pub mod ordered;
pub mod progress;
pub mod rng;
pub mod text;
pub mod weighted;
pub mod whole;

// What a layer puts out, and what can be wrong in it.
pub mod fault;
pub mod layout;
pub mod operator;

// The user's file and its text.
pub mod json;
pub mod model_file;

// A Keras model: its graph, and what is known of its layers.
pub mod config;
pub mod graph;
pub mod keras;
pub mod shape;
pub mod target;

// What is shown of a model, and what changes in it.
pub mod change;
pub mod dot;
pub mod edit;
pub mod list;
pub mod patch;
pub mod weights;

// The faults: from what campaigns measured to one site.
pub mod classify;
pub mod draw;
pub mod error_model;
pub mod pattern;
pub mod ranges;
pub mod value;

// Sites: drawn, read, written, played, pictured.
pub mod diff;
pub mod estimate;
pub mod fill;
pub mod harden;
pub mod plot;
pub mod rewrite;
pub mod sites;

// What the binaries share.
pub mod cli;
