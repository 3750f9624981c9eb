//! The command line of `classes-sites`.

use std::path::PathBuf;
use std::thread;

use clap::Parser;

use super::{EXIT_CODES, Failure, one_of};
use crate::error_model::Models;
use crate::layout::{DataFormat, Shape};
use crate::pattern::{Rows, SpatialClass};
use crate::sites::run::{RangeFrom, Request};
use crate::value::ValueClass;

/// Print injection sites, one a line: the effects of transient faults on the output of one layer
#[derive(Parser)]
#[command(version, after_help = format!("\
In the pipe:
  h5-config-get -> [classes-sites] -> sites -> h5-config-set -> faulty.h5

Examples:
  classes-sites --layer conv2d_1 --count 100 --seed 7 config.json > sites.ndjson
  classes-sites --read sites.ndjson --npy arrays

{EXIT_CODES}"))]
pub struct Args {
    /// The model's config, as h5-config-get prints it; with --layer only [default: stdin]
    #[arg(requires = "layer")]
    pub config: Option<PathBuf>,
    /// The layer of CONFIG whose output is corrupted: it gives shape and operator. A nested layer is outer/inner
    #[arg(long, value_name = "NAME")]
    pub layer: Option<String>,
    /// The shape of the layer's output without the batch axis: height, width, channels, or the axes of another rank
    #[arg(long, value_name = "H,W,C")]
    pub shape: Option<Shape>,
    /// What computes the layer's output, as --list-operators has it
    #[arg(long, value_name = "OP")]
    pub operator: Option<String>,
    /// How many sites [default: 1]
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = clap::value_parser!(u64).range(1..))]
    pub count: Option<u64>,
    /// The seed; the same seed makes the same sites everywhere [default: drawn, and told]
    #[arg(long, value_name = "S", allow_negative_numbers = true)]
    pub seed: Option<u64>,
    /// Start at site I: shards of one campaign
    #[arg(long, value_name = "I", default_value_t = 0)]
    pub first: u64,
    /// How many threads draw [default: one for each processor]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub jobs: Option<u16>,
    /// The smallest value of the layer's output without faults
    #[arg(long, value_name = "X", allow_hyphen_values = true)]
    pub range_min: Option<f32>,
    /// The largest value of the layer's output without faults
    #[arg(long, value_name = "X", allow_hyphen_values = true)]
    pub range_max: Option<f32>,
    /// The layer's output without faults, whose smallest and largest finite values are the range
    #[arg(long, value_name = "FILE.npy", conflicts_with_all = ["range_min", "range_max"])]
    pub golden: Option<PathBuf>,
    /// The golden ranges of the model's layers, as python -m classes_h5.ranges writes them; LAYER's is the range
    #[arg(long, value_name = "FILE", requires = "layer", conflicts_with_all = ["range_min", "range_max", "golden"])]
    pub ranges: Option<PathBuf>,
    /// The error models: gpu-warp, gpu-thread, nvdla-8x8-int8 and eight more of NVDLA, or a folder of your own [default: gpu-warp]
    #[arg(long, value_name = "SET|DIR")]
    pub models: Option<PathBuf>,
    /// In a set that was measured layer by layer, draw from the layer that is called so
    #[arg(long, value_name = "NAME")]
    pub measured_on: Option<String>,
    /// Which parameter sets to use: all, or those whose percents fit the shape
    #[arg(long, value_name = "ROWS", default_value = "all", value_parser = one_of::<Rows>(["all", "fitting"]))]
    pub rows: Rows,
    /// Draw sites of this spatial class only
    #[arg(long, value_name = "NAME", value_parser = one_of::<SpatialClass>(SpatialClass::ALL.map(SpatialClass::name)))]
    pub spatial_class: Option<SpatialClass>,
    /// Draw values of this class only
    #[arg(long, value_name = "NAME", value_parser = one_of::<ValueClass>(ValueClass::ALL.map(ValueClass::name)))]
    pub value_class: Option<ValueClass>,
    /// Draw the classic baseline instead: one uniform bit of one uniform cell
    #[arg(long, conflicts_with_all = ["npy", "operator", "models", "measured_on", "rows", "spatial_class", "value_class", "golden", "ranges", "range_min", "range_max"])]
    pub single_bit_flip: bool,
    /// Print the operators of the set with their spatial classes, frequencies and P(SDC), and check every model
    #[arg(long, conflicts_with_all = [
        "operator", "count", "seed", "first", "jobs", "range_min", "range_max", "golden", "ranges", "rows", "spatial_class",
        "value_class", "single_bit_flip", "npy", "data_format", "classes_config",
    ])]
    pub list_operators: bool,
    /// Print the measured layers of the set with their sizes and what a fault led to
    #[arg(long, conflicts_with_all = [
        "config", "layer", "shape", "operator", "count", "seed", "first", "jobs", "range_min", "range_max", "golden", "ranges",
        "measured_on", "rows", "spatial_class", "value_class", "single_bit_flip", "list_operators", "npy", "data_format",
        "classes_config",
    ])]
    pub list_layers: bool,
    /// Take sites from FILE instead of drawing them: checked lines, or with --npy as NumPy files
    #[arg(long, value_name = "FILE", conflicts_with_all = [
        "layer", "shape", "operator", "count", "seed", "first", "jobs", "range_min", "range_max", "golden", "ranges", "models",
        "measured_on", "rows", "spatial_class", "value_class", "single_bit_flip", "list_operators", "list_layers", "classes_config",
    ])]
    pub read: Option<PathBuf>,
    /// Write injections.npy and masks.npy into DIR instead of lines
    #[arg(long, value_name = "DIR")]
    pub npy: Option<PathBuf>,
    /// The order of the axes in NumPy files [default: the layer's, else channels_last]
    #[arg(long, value_name = "FORMAT", requires = "npy", value_parser = one_of::<DataFormat>(DataFormat::ALL.map(DataFormat::name)))]
    pub data_format: Option<DataFormat>,
    /// Take what no flag gives from CLASSES' own config.json
    #[arg(long, value_name = "FILE")]
    pub classes_config: Option<PathBuf>,
}

impl Args {
    /// How many threads do the work.
    pub fn jobs(&self) -> usize {
        let given = self.jobs.map(usize::from);
        given.or_else(|| thread::available_parallelism().ok().map(usize::from)).unwrap_or(1)
    }

    /// The set of models.
    pub fn models(&self) -> Models {
        self.models.as_deref().map_or_else(Models::default, Models::new)
    }

    /// The sites that are asked for, as far as flags tell.
    ///
    /// # Errors
    /// The ends of the range make none.
    pub fn request(&self) -> Result<Request, Failure> {
        Ok(Request {
            layer: None,
            shape: self.shape,
            operator: self.operator.clone(),
            models: self.models.as_deref().map(Models::new),
            convolution: None,
            measured_on: self.measured_on.clone(),
            range: self.range()?,
            rows: self.rows,
            spatial_class: self.spatial_class,
            value_class: self.value_class,
            single_bit_flip: self.single_bit_flip,
            seed: self.seed,
            first: self.first,
            count: self.count,
        })
    }

    fn range(&self) -> Result<RangeFrom, Failure> {
        if let Some(file) = &self.golden {
            return Ok(RangeFrom::Golden(file.clone()));
        }
        let nan = |flag| Err(Failure::usage(format!("--{flag} is NaN, not an end of a range")));
        match (self.range_min, self.range_max) {
            (None, None) => Ok(RangeFrom::Default),
            (Some(min), _) if min.is_nan() => nan("range-min"),
            (_, Some(max)) if max.is_nan() => nan("range-max"),
            (Some(min), Some(max)) => Ok(RangeFrom::Ends(min, max)),
            (None, _) => Err(Failure::usage("--range-max is given and --range-min is not")),
            (_, None) => Err(Failure::usage("--range-min is given and --range-max is not")),
        }
    }
}
