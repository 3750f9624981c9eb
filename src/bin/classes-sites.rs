//! `classes-sites`: injection sites, as lines of JSON or as NumPy files.

#![warn(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::thread;

use clap::Parser;
use classes_h5::cli::classes_config::ClassesConfig;
use classes_h5::cli::{self, EXIT_CODES, Failure, Speaker, notes};
use classes_h5::error_model::{self, Models, Wanted};
use classes_h5::input::Input;
use classes_h5::json::Arrays;
use classes_h5::layout::{DataFormat, Shape};
use classes_h5::operator::Convolution;
use classes_h5::pattern::{Rows, SpatialClass};
use classes_h5::progress::Doing;
use classes_h5::sites::lines::{self, LineSource};
use classes_h5::sites::npy;
use classes_h5::sites::pass::{PassError, Rooms, Source};
use classes_h5::sites::run::{self, RangeFrom, Request, Tally};
use classes_h5::target::Targets;
use classes_h5::value::ValueClass;
use classes_h5::{config, edit};

const TOOL: &str = "classes-sites";

/// Print injection sites, one a line: the effects of transient faults on the output of one layer
#[derive(Parser)]
#[command(version, after_help = format!("\
In the pipe:
  h5-config-get -> [classes-sites] -> sites -> h5-config-set -> faulty.h5

Examples:
  classes-sites --layer conv2d_1 --count 100 --seed 7 config.json > sites.ndjson
  classes-sites --read sites.ndjson --npy arrays

{EXIT_CODES}"))]
struct Args {
    /// The model's config, as h5-config-get prints it; with --layer only [default: stdin]
    #[arg(requires = "layer")]
    config: Option<PathBuf>,
    /// The layer of CONFIG whose output is corrupted: it gives shape and operator. A nested layer is outer/inner
    #[arg(long, value_name = "NAME")]
    layer: Option<String>,
    /// The shape of the layer's output without the batch axis: height, width, channels
    #[arg(long, value_name = "H,W,C")]
    shape: Option<Shape>,
    /// What computes the layer's output, as --list-operators has it
    #[arg(long, value_name = "OP")]
    operator: Option<String>,
    /// How many sites [default: 1]
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = clap::value_parser!(u64).range(1..))]
    count: Option<u64>,
    /// The seed; the same seed makes the same sites everywhere [default: drawn, and told]
    #[arg(long, value_name = "S", allow_negative_numbers = true)]
    seed: Option<u64>,
    /// Start at site I: shards of one campaign
    #[arg(long, value_name = "I", default_value_t = 0)]
    first: u64,
    /// How many threads draw [default: one for each processor]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    jobs: Option<u16>,
    /// The smallest value of the layer's output without faults
    #[arg(long, value_name = "X", allow_hyphen_values = true)]
    range_min: Option<f32>,
    /// The largest value of the layer's output without faults
    #[arg(long, value_name = "X", allow_hyphen_values = true)]
    range_max: Option<f32>,
    /// The layer's output without faults, whose smallest and largest finite values are the range
    #[arg(long, value_name = "FILE.npy", conflicts_with_all = ["range_min", "range_max"])]
    golden: Option<PathBuf>,
    /// The golden ranges of the model's layers, as python -m classes_h5.ranges writes them; LAYER's is the range
    #[arg(long, value_name = "FILE", requires = "layer", conflicts_with_all = ["range_min", "range_max", "golden"])]
    ranges: Option<PathBuf>,
    /// The error models: gpu-warp, gpu-thread, nvdla-8x8-int8 and eight more of NVDLA, or a folder of your own [default: gpu-warp]
    #[arg(long, value_name = "SET|DIR")]
    models: Option<PathBuf>,
    /// In a set that was measured layer by layer, draw from the layer that is called so
    #[arg(long, value_name = "NAME")]
    measured_on: Option<String>,
    /// Which parameter sets to use: all, or those whose percents fit the shape
    #[arg(long, value_name = "ROWS", default_value = "all", value_parser = cli::one_of::<Rows>(["all", "fitting"]))]
    rows: Rows,
    /// Draw sites of this spatial class only
    #[arg(long, value_name = "NAME", value_parser = cli::one_of::<SpatialClass>(SpatialClass::ALL.map(SpatialClass::name)))]
    spatial_class: Option<SpatialClass>,
    /// Draw values of this class only
    #[arg(long, value_name = "NAME", value_parser = cli::one_of::<ValueClass>(ValueClass::ALL.map(ValueClass::name)))]
    value_class: Option<ValueClass>,
    /// Draw the classic baseline instead: one uniform bit of one uniform cell
    #[arg(long, conflicts_with_all = ["npy", "operator", "models", "measured_on", "rows", "spatial_class", "value_class", "golden", "ranges", "range_min", "range_max"])]
    single_bit_flip: bool,
    /// Print the operators of the set with their spatial classes, frequencies and P(SDC), and check every model
    #[arg(long, conflicts_with_all = [
        "operator", "count", "seed", "first", "jobs", "range_min", "range_max", "golden", "ranges", "rows", "spatial_class",
        "value_class", "single_bit_flip", "npy", "data_format", "classes_config",
    ])]
    list_operators: bool,
    /// Print the measured layers of the set with their sizes and what a fault led to
    #[arg(long, conflicts_with_all = [
        "config", "layer", "shape", "operator", "count", "seed", "first", "jobs", "range_min", "range_max", "golden", "ranges",
        "measured_on", "rows", "spatial_class", "value_class", "single_bit_flip", "list_operators", "npy", "data_format",
        "classes_config",
    ])]
    list_layers: bool,
    /// Take sites from FILE instead of drawing them: checked lines, or with --npy as NumPy files
    #[arg(long, value_name = "FILE", conflicts_with_all = [
        "layer", "shape", "operator", "count", "seed", "first", "jobs", "range_min", "range_max", "golden", "ranges", "models",
        "measured_on", "rows", "spatial_class", "value_class", "single_bit_flip", "list_operators", "list_layers", "classes_config",
    ])]
    read: Option<PathBuf>,
    /// Write injections.npy and masks.npy into DIR instead of lines
    #[arg(long, value_name = "DIR")]
    npy: Option<PathBuf>,
    /// The order of the axes in NumPy files [default: the layer's, else channels_last]
    #[arg(long, value_name = "FORMAT", requires = "npy", value_parser = cli::one_of::<DataFormat>(DataFormat::ALL.map(DataFormat::name)))]
    data_format: Option<DataFormat>,
    /// Take what no flag gives from CLASSES' own config.json
    #[arg(long, value_name = "FILE")]
    classes_config: Option<PathBuf>,
}

fn main() -> ExitCode {
    cli::run(TOOL, sites)
}

fn sites(args: &Args, speaker: Speaker) -> Result<(), Failure> {
    if args.list_layers {
        let text = error_model::layers(&models(args))?;
        return cli::to_stdout(|out| out.write_all(text.as_bytes()));
    }
    if let Some(file) = &args.read {
        let input = Input::from_arg(Some(file));
        let read = LineSource::open(input.open("sites, one a line")?);
        let passed = read.and_then(|source| write(args, source, None, args.data_format.unwrap_or_default(), speaker));
        return passed.map(drop).map_err(|error| Failure::passing(Some(&input), error));
    }
    if args.list_operators && args.layer.is_none() {
        return list_operators(args, args.shape, None);
    }
    let say = |note| speaker.say(&notes::note(&note));
    let (mut request, mut format) = (request(args)?, args.data_format.unwrap_or_default());
    if let Some(name) = &args.layer {
        let input = Input::from_arg(args.config.as_deref());
        let progress = speaker.progress(Doing::Step("reading the config".to_owned()));
        let text = input.read_text("a model config")?;
        let document = cli::parse_json(&input, &text, &mut Arrays::default())?;
        let graph = config::read(&document).map_err(|error| Failure::in_input(&input, error))?;
        drop(progress);
        let (address, targets) = (edit::find(&graph, name)?, Targets::new(&graph));
        request.convolution = targets.convolution(&address);
        if args.list_operators {
            let shape = targets.shape(&address, targets.data_format(&address));
            return list_operators(args, request.shape.or(shape), request.convolution.as_ref());
        }
        request.of_layer(name, targets.target(&address), say)?;
        format = args.data_format.unwrap_or_else(|| targets.data_format(&address));
        if let (Some(file), Some(layer)) = (&args.ranges, graph.trail(&address).last()) {
            let file = Input::from_arg(Some(file));
            if file == Input::Stdin && input == Input::Stdin {
                return Err(Failure::usage("--ranges - and the config cannot both come from stdin"));
            }
            let text = file.read_text("a file of golden ranges")?;
            let ranges = cli::parse_json(&file, &text, &mut Arrays::default())?;
            let measured = run::range_of(&ranges, name, layer).map_err(|error| Failure::in_input(&file, error))?;
            request.range = RangeFrom::Measured(measured);
        }
    }
    if let Some(file) = &args.classes_config {
        let told = ClassesConfig::read(file, &ClassesConfig::missing_in(&request))?.fill(&mut request);
        told.iter().for_each(|words| speaker.say(words));
    }
    let drawing = request.drawing(say)?;
    let rooms = write(args, drawing.source(jobs(args)), Some(drawing.count), format, speaker)
        .map_err(|error| Failure::passing(None, error))?;
    notes::tally(&Tally::of_all(rooms)).iter().for_each(|words| speaker.say(words));
    Ok(())
}

/// Writes the sites of a source, as lines or as NumPy files.
fn write<S: Source>(
    args: &Args,
    source: S,
    count: Option<u64>,
    format: DataFormat,
    speaker: Speaker,
) -> Result<Rooms<S>, PassError> {
    match &args.npy {
        Some(folder) => npy::write(source, jobs(args), folder, format, &speaker.progress(Doing::Sites(count))),
        None => lines::write(source, jobs(args), cli::stdout(), &speaker.progress_of_lines(Doing::Sites(count))),
    }
}

fn jobs(args: &Args) -> usize {
    let given = args.jobs.map(usize::from);
    given.or_else(|| thread::available_parallelism().ok().map(usize::from)).unwrap_or(1)
}

fn models(args: &Args) -> Models {
    args.models.as_deref().map_or_else(Models::default, Models::new)
}

/// What the set has: for a layer, where its shape and convolution are known.
fn list_operators(args: &Args, output: Option<Shape>, convolution: Option<&Convolution>) -> Result<(), Failure> {
    let named = args.measured_on.as_deref();
    let text = error_model::operators(&models(args), &Wanted { output, convolution, named })?;
    cli::to_stdout(|out| out.write_all(text.as_bytes()))
}

fn request(args: &Args) -> Result<Request, Failure> {
    Ok(Request {
        shape: args.shape,
        operator: args.operator.clone(),
        models: args.models.as_deref().map(Models::new),
        convolution: None,
        measured_on: args.measured_on.clone(),
        range: range(args)?,
        rows: args.rows,
        spatial_class: args.spatial_class,
        value_class: args.value_class,
        single_bit_flip: args.single_bit_flip,
        seed: args.seed,
        first: args.first,
        count: args.count,
    })
}

fn range(args: &Args) -> Result<RangeFrom, Failure> {
    if let Some(file) = &args.golden {
        return Ok(RangeFrom::Golden(file.clone()));
    }
    let nan = |flag| Err(Failure::usage(format!("--{flag} is NaN, not an end of a range")));
    match (args.range_min, args.range_max) {
        (None, None) => Ok(RangeFrom::Default),
        (Some(min), _) if min.is_nan() => nan("range-min"),
        (_, Some(max)) if max.is_nan() => nan("range-max"),
        (Some(min), Some(max)) => Ok(RangeFrom::Ends(min, max)),
        (None, _) => Err(Failure::usage("--range-max is given and --range-min is not")),
        (_, None) => Err(Failure::usage("--range-min is given and --range-max is not")),
    }
}
